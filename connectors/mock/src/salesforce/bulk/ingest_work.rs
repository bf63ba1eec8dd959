//! An ingest job at work: reads its upload through, then writes row after row, one batch at a time, by the same path as
//! every other write.

use std::collections::HashMap;
use std::ops::Range;

use csv::StringRecord;

use super::super::given::{Given, Raw};
use super::super::ids::Id;
use super::super::kind::Kind;
use super::super::org::Org;
use super::super::pen::Pen;
use super::super::refusal::{Refusal, RowError};
use super::csv_in::Upload;
use super::ingest_job::{Content, IngestJob, Operation, Step};
use super::life::State;
use super::outcome::Outcome;
use crate::desk::Core;

/// What every row of a batch is written with.
struct Batch<'a> {
    kind: Kind,
    operation: Operation,
    /// Canonical name of the column that names the record, and its place.
    key: Option<(&'a str, usize)>,
    case_sensitive: bool,
    header: &'a [String],
    pen: Pen,
    /// Keys that come more than once in the batch.
    twice: HashMap<String, usize>,
}

impl Org {
    /// Lets a job do what is due. `watched`: somebody asks for it; otherwise only time moves it.
    pub(super) fn work_ingest(&mut self, core: &mut Core, number: u64, watched: bool) {
        let now = core.now;
        // Taken out while it works: its rows change the org it belongs to.
        let Some(mut job) = self.bulk.ingests.remove(&number) else { return };
        if watched && !job.life.state.is_terminal() && job.life.state != State::Open {
            job.life.polls = job.life.polls.saturating_add(1);
        }
        if job.life.may_work(now, watched, &self.knobs.bulk) {
            self.work(core, &mut job);
        }
        self.bulk.ingests.insert(number, job);
    }

    /// Lets all jobs work that nobody asked for in a while. Costs nothing when there are none.
    pub fn work_unwatched(&mut self, core: &mut Core) {
        let (now, knobs) = (core.now, &self.knobs.bulk);
        let due = |(number, job): (&u64, &IngestJob)| job.life.may_work(now, false, knobs).then_some(*number);
        let due: Vec<u64> = self.bulk.ingests.iter().filter_map(due).collect();
        for number in due {
            self.work_ingest(core, number, false);
        }
    }

    fn work(&mut self, core: &mut Core, job: &mut IngestJob) {
        let now = core.now;
        job.life.worked_at = now;
        if job.life.state == State::UploadComplete {
            job.life.move_to(State::InProgress, now);
        }
        let mut batches = 0;
        loop {
            match job.next(&self.knobs.bulk) {
                Step::Begin => self.begin_job(job),
                Step::Apply(_) if batches >= self.knobs.bulk.chunks_per_poll.max(1) => return,
                Step::Apply(range) => {
                    batches += 1;
                    self.bulk.batches.add(now, 1);
                    let outcomes = self.apply(core, job, range);
                    job.record(outcomes);
                    job.life.stamp = now;
                }
                Step::Fail(why) => {
                    if job.life.may_end(now, &self.knobs.bulk) {
                        job.life.fail(why, now);
                    }
                    return;
                }
                Step::Done => {
                    if job.life.may_end(now, &self.knobs.bulk) {
                        job.life.move_to(State::JobComplete, now);
                    }
                    return;
                }
            }
        }
    }

    /// Reads the upload through; what is wrong with it is the job's doom.
    fn begin_job(&self, job: &mut IngestJob) {
        let bytes = match std::mem::replace(&mut job.content, Content::Nothing) {
            Content::Raw(bytes) => bytes,
            _ => Default::default(),
        };
        let kind = Kind::parse(&job.life.object);
        let read = Upload::read(bytes, job.life.dialect).and_then(|upload| {
            let kind = kind.ok_or("InvalidEntity : The object is gone")?;
            let checked = self.check_columns(kind, job.operation, job.key.as_deref(), upload.header());
            checked.map(|()| upload)
        });
        match read {
            Ok(upload) => job.content = Content::Read(upload),
            Err(why) => job.doom = Some(why),
        }
    }

    fn apply(&mut self, core: &mut Core, job: &IngestJob, range: Range<usize>) -> Vec<Outcome> {
        let Some(upload) = job.upload() else { return Vec::new() };
        let Some(kind) = Kind::parse(&job.life.object) else { return Vec::new() };
        self.locks.next_batch();
        let rows = upload.rows(range);
        let name = match job.operation {
            Operation::Insert => None,
            Operation::Upsert => job.key.as_deref(),
            _ => Some("Id"),
        };
        let place = |name: &str| upload.header().iter().position(|column| column.eq_ignore_ascii_case(name));
        let key = name.and_then(|name| Some((name, place(name)?)));
        let field = name.and_then(|name| self.schema(kind).any(name));
        let case_sensitive = field.is_some_and(|(_, field)| field.case_sensitive);
        let pen = Pen { auto_assign: job.assignment_rule.is_some(), ..Pen::bulk(core) };
        let mut batch = Batch {
            kind,
            operation: job.operation,
            key,
            case_sensitive,
            header: upload.header(),
            pen,
            twice: HashMap::new(),
        };
        batch.twice = batch.repeated(&rows);
        let outcomes = rows.iter().map(|row| batch.outcome(self, core, row)).collect();
        self.locks.next_batch();
        outcomes
    }
}

impl Batch<'_> {
    fn repeated(&self, rows: &[StringRecord]) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for row in rows {
            if let Some(filed) = self.key_of(row).map(|text| self.filed(text)) {
                *counts.entry(filed).or_insert(0) += 1;
            }
        }
        counts.retain(|_, count| *count > 1);
        counts
    }

    fn key_of<'r>(&self, row: &'r StringRecord) -> Option<&'r str> {
        row.get(self.key?.1).filter(|text| !text.is_empty() && *text != "#N/A")
    }

    fn filed(&self, text: &str) -> String {
        match self.key {
            // Fifteen or eighteen characters name the same record.
            Some(("Id", _)) => Id::parse(text).map_or_else(|| text.to_owned(), Id::short),
            _ if self.case_sensitive => text.to_owned(),
            _ => text.to_lowercase(),
        }
    }

    fn outcome(&self, org: &mut Org, core: &mut Core, row: &StringRecord) -> Outcome {
        match self.write(org, core, row) {
            Ok((id, created)) => Outcome::Saved { id, created },
            Err(refusal) => {
                let names_record = matches!(self.key, Some(("Id", _)));
                let id = names_record.then(|| self.key_of(row).and_then(Id::parse)).flatten();
                Outcome::Failed { id, error: refusal.csv().into_boxed_str() }
            }
        }
    }

    fn write(&self, org: &mut Org, core: &mut Core, row: &StringRecord) -> Result<(Id, bool), RowError> {
        let key = self.key_of(row);
        if let Some((name, _)) = self.key
            && let Some(text) = key
            && !self.twice.is_empty()
            && self.twice.contains_key(&self.filed(text))
        {
            let what = if name == "Id" { "id" } else { "external id" };
            return Err(Refusal::row("DUPLICATE_VALUE", format!("Duplicate {what} specified: {text}"), &[name]));
        }
        let mut given = Given(Vec::with_capacity(self.header.len()));
        for (column, cell) in self.header.iter().zip(row.iter()) {
            given.push_csv(column, cell);
        }
        if let Some((name, _)) = self.key {
            given.take(name);
        }
        let key = key.map(str::to_owned);
        let written = match self.operation {
            Operation::Insert if given.has("Id") => {
                let text = "cannot specify Id in an insert call";
                return Err(Refusal::row("INVALID_FIELD_FOR_INSERT_UPDATE", text, &["Id"]));
            }
            Operation::Insert => org.insert(core, &self.pen, self.kind, &given)?,
            Operation::Update => org.update(core, &self.pen, self.kind, &named(key, "an update")?, &given)?,
            Operation::Delete => org.delete(core, &self.pen, self.kind, &named(key, "a delete")?)?,
            Operation::HardDelete => {
                let written = org.delete(core, &self.pen, self.kind, &named(key, "a delete")?)?;
                org.erase(core, &self.pen, self.kind, written.id.number);
                written
            }
            Operation::Upsert => {
                let (name, value) = (self.key.map_or("Id", |(name, _)| name), key.map(Raw::Csv));
                org.upsert(core, &self.pen, self.kind, (name, value.as_ref()), &given, false)?
            }
        };
        Ok((written.id, written.created))
    }
}

fn named(key: Option<String>, what: &str) -> Result<String, RowError> {
    key.ok_or_else(|| Refusal::row("MISSING_ARGUMENT", format!("Id not specified in {what} call"), &["Id"]))
}
