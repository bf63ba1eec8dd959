//! Pull as runs: one per object, its streams in turn.

use std::sync::Arc;
use std::time::Duration;

use connector::{Capability, ErrorKind, Object, Stream, Timestamp};

use super::running::{Ending, isolated};
use super::{App, Connection, Finished, Progress};
use crate::mapping::ObjectMapping;
use crate::model::{Counts, Flow, Run};
use crate::pull::{End, GuardLimits, Pull};
use crate::store::{Result, StreamKey};

/// What to pull.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pulling<'a> {
    /// Only this object.
    pub object: Option<&'a Object>,
    /// From the beginning of time.
    pub full: bool,
    pub sweeps: Sweeps,
}

/// The streams that have no change stamp (deletions, associations, users) are swept; how often is a matter of cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sweeps {
    /// Now: what a person asked for.
    #[default]
    All,
    /// Those that have not been swept for a while: what the schedule does.
    Due,
}

const DELETIONS_EVERY: Duration = Duration::from_secs(15 * 60);
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// Owners first, so that whoever owns a record is known before it; contacts before leads, so that the contact a lead has
/// become is there before the lead is gone; deals when their people are there, and what was done with either last.
const ORDER: [Object; 6] =
    [Object::User, Object::Company, Object::Contact, Object::Lead, Object::Deal, Object::Activity];

impl App {
    /// Pulls one connection. Stops at the first object that did not end well: the later ones build on it.
    pub async fn pull(
        &self,
        connection: &Connection,
        what: Pulling<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Finished>> {
        let mut finished = Vec::new();
        for object in ORDER.iter().filter(|object| what.object.is_none_or(|only| only == *object)) {
            let Some(mapping) = mapping_of(connection, object) else { continue };
            let streams = self.streams(connection, object, what).await?;
            if streams.is_empty() {
                continue;
            }
            let run = self.start_run(Flow::Pull, Some(connection.name()), Some(object)).await?;
            let (counts, ending) = self.pull_streams(connection, &mapping, streams, what, &run, progress).await?;
            let goes_on = matches!(ending, Ending::Complete);
            finished.push(self.end_run(run, counts, ending).await?);
            if !goes_on {
                break;
            }
        }
        Ok(finished)
    }

    async fn pull_streams(
        &self,
        connection: &Connection,
        mapping: &Arc<ObjectMapping>,
        streams: Vec<Stream>,
        what: Pulling<'_>,
        run: &Run,
        progress: &dyn Progress,
    ) -> Result<(Counts, Ending)> {
        let mut counts = Counts::default();
        for stream in streams {
            if let Some(error) = self.over_budget(connection) {
                return Ok((counts, Ending::Crm(error)));
            }
            // Deletions and associations go on from their cursor: a CRM without a log of them begins anew by itself.
            let is_sweep = *stream.object() == Object::User;
            let before = counts;
            let reads_mapping = matches!(stream, Stream::Records(_)) && has_mapping(stream.object());
            let full = match what.full || !reads_mapping {
                true => what.full || is_sweep,
                false => match self.is_behind(connection, mapping).await? {
                    Ok(behind) => behind,
                    Err(ending) => return Ok((counts, ending)),
                },
            };
            let pull = Pull {
                store: &*self.store,
                connector: &*connection.connector,
                clock: &*self.world.clock,
                connection: connection.name(),
                links: links(connection.connector.capability(), &stream),
                since: since(connection, stream.object(), self.world.clock.now()),
                stream,
                mapping: mapping.clone(),
                identity: self.settings.identity.clone(),
                guard: GuardLimits { max_loss: self.settings.safety.max_pull_loss, ..GuardLimits::default() },
                run: run.id,
                full,
                stop: &self.stop,
            };
            let told = |now: &Counts| {
                let mut total = before;
                total.add(now);
                progress.update(run, &total);
            };
            let report = match isolated(pull.run(&told)).await {
                Ok(report) => report,
                Err(panicked) => return Ok((counts, panicked)),
            };
            counts.add(&report.counts);
            counts.conflicts += report.identity_conflicts;
            let ending = match report.end {
                End::Complete => {
                    if reads_mapping {
                        self.note_read(connection, mapping, full).await?;
                    }
                    continue;
                }
                End::Stopped => Ending::Stopped,
                End::Guarded(why) => Ending::Fused {
                    why: why.to_string(),
                    fix: "check the CRM's side first; then [safety] max_pull_loss lets it through".to_owned(),
                },
                End::Crm(error) => Ending::Crm(error),
                End::Store(error) => Ending::Store(error),
            };
            return Ok((counts, ending));
        }
        Ok((counts, Ending::Complete))
    }

    /// The streams of an object that are to be read now.
    async fn streams(&self, connection: &Connection, object: &Object, what: Pulling<'_>) -> Result<Vec<Stream>> {
        let capability = connection.connector.capability();
        let now = self.world.clock.now();
        let mut streams = Vec::new();
        if capability.objects.contains(object) {
            let stream = Stream::Records(object.clone());
            if *object != Object::User || self.is_due(connection, &stream, SWEEP_EVERY, now, what).await? {
                streams.push(stream);
            }
        }
        let sweeps = [
            (capability.deletions.contains(object), Stream::Deletions(object.clone()), DELETIONS_EVERY),
            (capability.associations.contains(object), Stream::Associations(object.clone()), SWEEP_EVERY),
        ];
        for (able, stream, every) in sweeps {
            // Before the first full load there is nothing that could have been deleted or associated anew.
            let loaded = self.has_checkpoint(connection, &Stream::Records(object.clone())).await?;
            if able && loaded && self.is_due(connection, &stream, every, now, what).await? {
                streams.push(stream);
            }
        }
        Ok(streams)
    }

    async fn has_checkpoint(&self, connection: &Connection, stream: &Stream) -> Result<bool> {
        let key = StreamKey { connection: connection.name().clone(), stream: stream.clone() };
        Ok(self.store.checkpoint(&key).await?.is_some())
    }

    async fn is_due(
        &self,
        connection: &Connection,
        stream: &Stream,
        every: Duration,
        now: Timestamp,
        what: Pulling<'_>,
    ) -> Result<bool> {
        if what.sweeps == Sweeps::All {
            return Ok(true);
        }
        let key = StreamKey { connection: connection.name().clone(), stream: stream.clone() };
        Ok(self.store.checkpoint(&key).await?.is_none_or(|last| now.since(last.updated_at) >= every))
    }

    /// The share of the daily pool left to other tools: pulls stop at 90 % of the budget, pushes go on (P2).
    fn over_budget(&self, connection: &Connection) -> Option<connector::Error> {
        let pool = connection.connector.budget().daily?;
        let budget = connection.settings.api_budget.unwrap_or(pool.limit / 2);
        if pool.used < budget - budget / 10 {
            return None;
        }
        let attempted = format!("pull from {}", connection.name());
        let cause = format!(
            "{} of the account's {} daily calls are used, and pulls stop at 90 % of the budget of {budget}",
            pool.used, pool.limit
        );
        let now = self.world.clock.now();
        let retry_at = pool.resets_at.unwrap_or_else(|| now.saturating_add(SWEEP_EVERY));
        let error = connector::Error::new(ErrorKind::Quota, attempted, cause).with_retry_at(retry_at);
        Some(error.with_fix("raise api_budget of the connection, or wait for the pool to start again"))
    }
}

/// Users and activities mean the same at every CRM: no field of theirs is mapped.
fn has_mapping(object: &Object) -> bool {
    !matches!(object, Object::User | Object::Activity)
}

/// What is read of an object; `None` where it is not.
fn mapping_of(connection: &Connection, object: &Object) -> Option<Arc<ObjectMapping>> {
    match connection.settings.object(object) {
        Some(mapping) => Some(Arc::new(mapping.clone())),
        None if has_mapping(object) => None,
        None if *object == Object::Activity && connection.settings.pull_activities.is_none() => None,
        None => Some(Arc::new(ObjectMapping::new(object.clone(), Vec::new()))),
    }
}

/// Activities come with everybody and everything they are about, deals with the people and companies they are about, people with the company they work for.
fn links(capability: &Capability, stream: &Stream) -> Vec<Object> {
    let object = stream.object();
    if *object == Object::Activity && matches!(stream, Stream::Records(_)) {
        let about = [Object::Contact, Object::Lead, Object::Company, Object::Deal];
        about.into_iter().filter(|object| capability.objects.contains(object)).collect()
    } else if capability.associations.contains(object) && !matches!(stream, Stream::Deletions(_)) {
        vec![Object::Contact, Object::Company]
    } else if capability.tells_company.contains(object) && matches!(stream, Stream::Records(_)) {
        vec![Object::Company]
    } else {
        Vec::new()
    }
}

fn since(connection: &Connection, object: &Object, now: Timestamp) -> Option<Timestamp> {
    if *object == Object::Activity {
        return connection.settings.pull_activities.map(|reach| now.saturating_sub(reach));
    }
    let day = connection.settings.pull_deals.since.filter(|_| *object == Object::Deal)?;
    Some(Timestamp::from(day.and_time(chrono::NaiveTime::MIN).and_utc()))
}
