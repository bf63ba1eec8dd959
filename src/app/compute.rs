//! Compute as a run: new rules matched against the log, then stale and due profiles.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;

use super::running::Ending;
use super::{App, Finished, Progress};
use crate::company::Rules;
use crate::enrich::{Model, Person, TraitRule};
use crate::model::{CompanyRules, Computed, Counts, Deal, Event, Flow, ProfileId, RuleId, TraitName, TraitValues};
use crate::store::{ComputeInput, ComputeProfiles, Foreseen, MatchFacts, Result, RolledUp};

/// What to compute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Computing {
    /// The instant for windows, decay and due times; events after it are ignored. `None` is now.
    pub as_of: Option<Timestamp>,
    /// Every profile, not only those that changed or are due.
    pub all: bool,
}

/// The store's note of an explicit instant that everybody was last computed as of; empty once they are as of now again.
const ELSEWHEN: &str = "computed_as_of";
/// The store's note of the rules of companies that everybody was last placed by.
const PLACED_BY: &str = "companies_placed_by";
/// The store's note of the model that everybody was last computed by.
const COMPUTED_BY: &str = "computed_by";
/// Times that people are computed in one run because what their colleagues come to has changed.
const ROUNDS: usize = 3;
/// Profiles computed in one transaction.
const CHUNK: usize = 2_000;
/// How long a computation rests between its parts while events are stored; at 16 profiles a part, 1,600 a second are computed all
/// the same.
const GIVE_WAY: Duration = Duration::from_millis(10);
/// Events matched in one transaction.
const MATCH_CHUNK: usize = 20_000;

impl App {
    pub async fn compute(&self, what: Computing, progress: &dyn Progress) -> Result<Finished> {
        let run = self.start_run(Flow::Compute, None, None).await?;
        let mut counts = Counts::default();
        let ending = match self.compute_chunks(what, &mut counts, &|counts| progress.update(&run, counts)).await {
            Ok(ending) => ending,
            Err(error) => Ending::Store(error),
        };
        self.end_run(run, counts, ending).await
    }

    /// Whether everybody was last computed by another model than the one in use.
    pub(super) async fn was_computed_by_another(&self) -> Result<bool> {
        Ok(self.store.note(COMPUTED_BY).await?.is_some_and(|model| model != self.model.fingerprint()))
    }

    async fn compute_chunks(
        &self,
        what: Computing,
        counts: &mut Counts,
        progress: &(dyn Fn(&Counts) + Sync),
    ) -> Result<Ending> {
        self.watch_webhooks().await?;
        self.match_new_rules().await?;
        let now = self.world.clock.now();
        let as_of = what.as_of.unwrap_or(now);
        let companies = self.settings.company.clone();
        let placed_by = companies.fingerprint();
        let rolled_up = if companies.roll_up { self.model.rolled_up() } else { Vec::new() };
        let rounds = if companies.roll_up { ROUNDS } else { 1 };
        let model = self.model.clone();
        let computation = Arc::new(Computation { model, companies, rolled_up, as_of, judged: as_of <= now });
        // What is stored then is as of another instant than now, and nothing says who would change: the next computation as of
        // now is one of everybody.
        let strays = self.store.note(ELSEWHEN).await?.is_some_and(|instant| !instant.is_empty());
        if let Some(instant) = what.as_of {
            self.store.set_note(ELSEWHEN, &instant.to_rfc3339()).await?;
        }
        let other_rules = self.store.note(PLACED_BY).await?.is_none_or(|rules| rules != placed_by);
        if other_rules {
            self.store.recall_companies().await?;
        }
        let computed_by = self.store.note(COMPUTED_BY).await?;
        let other_model = computed_by.as_deref() != Some(self.model.fingerprint());
        if other_model && computed_by.is_some() {
            self.tell_what_changes(computation.clone()).await?;
        }
        let mut all = what.all || strays || other_rules || other_model || what.as_of.is_some();
        let (mut after, mut round) = (None, 1);
        loop {
            let (seen, changed, last) = self.store.compute(as_of, all, after, CHUNK, computation.clone()).await?;
            fail::fail_point!("after_crossing");
            counts.pages += 1;
            counts.seen += seen;
            counts.updated += changed;
            counts.unchanged += seen - changed;
            progress(counts);
            match last {
                // Whoever's company came to something else meanwhile, once more.
                None if round < rounds && self.store.pending(as_of).await?.profiles => {
                    (all, round) = (false, round + 1);
                }
                None => break,
                Some(_) if self.stop.is_cancelled() => return Ok(Ending::Stopped),
                // Who sends events is answered first, and what they send is computed together afterwards.
                Some(_) if self.store.is_awaited() => self.world.clock.sleep(GIVE_WAY).await,
                Some(_) => {}
            }
            after = last;
        }
        if other_rules {
            self.store.set_note(PLACED_BY, &placed_by).await?;
        }
        if other_model {
            self.store.set_note(COMPUTED_BY, self.model.fingerprint()).await?;
        }
        if strays && what.as_of.is_none() {
            self.store.set_note(ELSEWHEN, "").await?;
        }
        Ok(Ending::Complete)
    }

    /// Whom the present configuration lets into and out of bands and segments, before it is acted on.
    pub async fn foresee(&self) -> Result<Foreseen> {
        let as_of = self.world.clock.now();
        let companies = self.settings.company.clone();
        // Companies stay as they are, so nothing is rolled up anew.
        let (model, rolled_up) = (self.model.clone(), Vec::new());
        self.foreseen_by(Arc::new(Computation { model, companies, rolled_up, as_of, judged: true })).await
    }

    async fn foreseen_by(&self, computation: Arc<Computation>) -> Result<Foreseen> {
        let mut all = Foreseen::new();
        let mut after = ProfileId(0);
        loop {
            let (some, next) = self.store.foresee(after, CHUNK, computation.clone()).await?;
            for (crossing, people) in some {
                *all.entry(crossing).or_default() += people;
            }
            match next {
                Some(next) if !self.stop.is_cancelled() => after = next,
                _ => return Ok(all),
            }
        }
    }

    async fn tell_what_changes(&self, computation: Arc<Computation>) -> Result<()> {
        for ((kind, name, direction), people) in self.foreseen_by(computation).await? {
            tracing::warn!(%kind, name = &*name, %direction, people, "the configuration is another: who enters and leaves");
        }
        Ok(())
    }

    /// Where nothing is in the log yet, the rules are matched with all of it: what comes in from now on brings its facts, and the
    /// first computation need not read it all again. One event is enough to see that the log is not empty.
    pub(super) async fn match_empty_log(&self) -> Result<()> {
        if self.store.matched_rules().await?.is_empty() {
            let rules = self.model.rule_ids();
            self.store.rematch(rules.clone(), rules, 0, 1, Arc::new(|_: &Event| Vec::new())).await?;
        }
        Ok(())
    }

    /// A rule that is new or changed is matched against the whole log once; facts of dropped rules go.
    async fn match_new_rules(&self) -> Result<()> {
        let wanted = self.model.rule_ids();
        let matched: HashSet<RuleId> = self.store.matched_rules().await?.into_iter().collect();
        let new: Vec<RuleId> = wanted.iter().copied().filter(|rule| !matched.contains(rule)).collect();
        let dropped = matched.iter().any(|rule| !wanted.contains(rule));
        if new.is_empty() && !dropped {
            return Ok(());
        }
        let (model, consent) = (self.model.clone(), self.settings.privacy.consent.clone());
        let only: HashSet<RuleId> = new.iter().copied().collect();
        let facts: MatchFacts = Arc::new(move |event: &Event| {
            if !consent.read(event, false).may_count() {
                return Vec::new();
            }
            model.facts(event).into_iter().filter(|fact| only.contains(&fact.rule)).collect()
        });
        let mut after = 0;
        while let Some(next) =
            self.store.rematch(new.clone(), wanted.clone(), after, MATCH_CHUNK, facts.clone()).await?
        {
            after = next;
        }
        Ok(())
    }
}

/// The model at an instant.
#[derive(Debug)]
pub(super) struct Computation {
    pub model: Arc<Model>,
    pub companies: Rules,
    /// Traits of people that companies are told of; none where nothing is rolled up.
    pub rolled_up: Vec<TraitName>,
    pub as_of: Timestamp,
    /// Whether bands and segments are judged: not by a look ahead.
    pub judged: bool,
}

impl ComputeProfiles for Computation {
    fn rules(&self) -> Vec<RuleId> {
        self.model.rule_ids()
    }

    fn reads_activities(&self) -> bool {
        self.model.spec().traits.iter().any(|spec| matches!(spec.rule, TraitRule::Contacted(_)))
    }

    fn compute(&self, input: &ComputeInput<'_>) -> Computed {
        self.model.compute(&Person {
            facts: input.facts,
            deals: input.deals,
            activities: input.activities,
            declared: &input.profile.attributes,
            company: input.company,
            consents: input.consents,
            known: input.profile.known,
            first_seen: Some(input.profile.first_seen),
            standings: input.standings,
            told: input.told,
            as_of: self.as_of,
            judged: self.judged,
        })
    }

    fn cooldown(&self, band: &str) -> Duration {
        self.model.spec().band(band).map_or(Duration::ZERO, |(_, _, band)| band.cooldown)
    }

    fn roll_up(&self, members: &[TraitValues], deals: &[Deal], as_of: Timestamp) -> RolledUp {
        self.model.roll_up(members, deals, as_of)
    }

    fn rolled_up(&self) -> &[TraitName] {
        &self.rolled_up
    }

    fn companies(&self) -> Option<&dyn CompanyRules> {
        Some(&self.companies)
    }
}
