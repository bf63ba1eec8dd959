//! The org: everything one Zoho CRM account holds.

use serde_json::{Map, Value};

use super::auth::Tokens;
use super::bulk::Bulk;
use super::catalogue;
use super::ids;
use super::kind::Kind;
use super::knobs::Knobs;
use super::limits::Limits;
use super::page_tokens::PageTokens;
use super::planned_refusals;
use super::population::Population;
use super::records::{Row, Seen, Sight, Table};
use super::roles::Roles;
use super::schema::{FieldId, Schema};
use super::stages::{Pipeline, STANDARD};
use super::users::{self, User};
use super::watch::Channel;
use crate::clock::Millis;
use crate::crowd::Crowd;
use crate::knobs;
use crate::options::{Options, StartError};

pub struct Org {
    pub people: Population,
    schemas: Vec<Schema>,
    tables: Vec<Table>,
    pub users: Vec<User>,
    pub pipelines: Vec<Pipeline>,
    pub tokens: Tokens,
    pub limits: Limits,
    pub knobs: Knobs,
    pub page_tokens: PageTokens,
    pub roles: Roles,
    pub bulk: Bulk,
    pub channels: Vec<Channel>,
    /// Records that assignment rules have given an owner.
    pub assigned: u64,
}

impl Org {
    pub fn new(options: &Options) -> Result<Self, StartError> {
        let contacts = options.contacts();
        let people = Population { crowd: Crowd { seed: options.seed, contacts }, equal_stamps: false };
        let pipelines = match options.seed_dir {
            Some(_) if contacts == 0 => vec![Pipeline::exported()],
            Some(_) => vec![Pipeline::exported(), Pipeline::standard()],
            None => vec![Pipeline::standard()],
        };
        let mut stages: Vec<&str> =
            pipelines.iter().flat_map(|each| &each.stages).map(|each| each.actual.as_str()).collect();
        stages.dedup();
        if stages.is_empty() {
            stages = STANDARD.iter().map(|stage| stage.0).collect();
        }
        let names: Vec<&str> = pipelines.iter().map(|each| each.name.as_str()).collect();
        let mut org = Self {
            schemas: Kind::ALL.iter().map(|kind| catalogue::schema(*kind, &stages, &names)).collect(),
            tables: Kind::ALL.iter().map(|kind| Table::new(*kind, &people)).collect(),
            people,
            users: users::synthetic(),
            pipelines,
            tokens: Tokens::default(),
            limits: Limits::default(),
            knobs: Knobs::default(),
            page_tokens: PageTokens::default(),
            roles: Roles::default(),
            bulk: Bulk::default(),
            channels: Vec::new(),
            assigned: 0,
        };
        if let Some(folder) = &options.seed_dir {
            org.load_exports(folder)?;
        }
        Ok(org)
    }

    pub fn configure(&mut self, patch: Map<String, Value>) -> Result<(), String> {
        let knobs = knobs::patched(&self.knobs, patch)?;
        let is_object = |name: &str| Kind::by_any_name(name).is_some();
        if let Some(fault) = knobs.workflows.iter().find_map(|rule| rule.fault(is_object)) {
            return Err(fault);
        }
        knobs.row_faults.iter().try_for_each(planned_refusals::check)?;
        if knobs.offset_min.abs() > 14 * 60 {
            return Err("offset_min must be within fourteen hours of Greenwich".into());
        }
        self.people.equal_stamps = knobs.equal_stamps;
        self.knobs = knobs;
        Ok(())
    }

    pub fn config(&self) -> Map<String, Value> {
        knobs::listed(&self.knobs)
    }

    pub fn schema(&self, kind: Kind) -> &Schema {
        &self.schemas[kind as usize]
    }

    pub fn schema_mut(&mut self, kind: Kind) -> &mut Schema {
        &mut self.schemas[kind as usize]
    }

    pub fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    pub fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// The record as somebody sees it, deleted or not.
    pub fn seen(&self, kind: Kind, id: u64, sight: Sight) -> Option<Seen<'_>> {
        self.table(kind).seen(self.schema(kind), &self.people, id, sight)
    }

    /// The record when it is not deleted.
    pub fn live(&self, kind: Kind, id: u64, sight: Sight) -> Option<Seen<'_>> {
        self.seen(kind, id, sight).filter(Seen::is_live)
    }

    pub fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// What a lookup shows of its target; none when there is no such record any more.
    pub fn title_of(&self, id: u64) -> Option<String> {
        if ids::is_user(id) {
            return self.user(id).map(User::name);
        }
        self.live(ids::kind_of(id)?, id, Sight::Latest).map(|seen| seen.title())
    }

    /// Stores a row as a new version, visible and searchable when they say.
    pub fn put(&mut self, now: Millis, kind: Kind, id: u64, row: Row, when: (Millis, Millis)) {
        let (Some(table), Some(schema)) = (self.tables.get_mut(kind as usize), self.schemas.get(kind as usize)) else {
            return;
        };
        table.put((schema, &self.people), id, row, now, when);
    }

    /// Files a module's records anew after its keys changed.
    pub fn reindex(&mut self, kind: Kind) {
        if let (Some(table), Some(schema)) = (self.tables.get_mut(kind as usize), self.schemas.get(kind as usize)) {
            table.reindex(schema, &self.people);
        }
    }

    /// Records that have this key in an indexed field in some version that is still seen; in no order.
    pub fn candidates(&self, kind: Kind, field: FieldId, key: &str) -> Vec<u64> {
        let Some(definition) = self.schema(kind).field(field) else { return Vec::new() };
        let table = self.table(kind);
        let generated = if definition.custom { Vec::new() } else { self.people.find(kind, &definition.name, key) };
        let mut found: Vec<u64> =
            generated.into_iter().map(|index| ids::record(kind, index)).filter(|id| !table.is_held(*id)).collect();
        found.extend(table.held_by_key(field, key));
        found
    }

    /// Live records with this key in an indexed field, in order of id.
    pub fn find(&self, kind: Kind, field: FieldId, key: &str) -> Vec<u64> {
        let mut found = self.candidates(kind, field, key);
        // An older version may have had the key that the newest has not.
        let has = |id: &u64| {
            let seen = self.live(kind, *id, Sight::Latest);
            seen.is_some_and(|seen| seen.get(field).key().as_deref() == Some(key))
        };
        found.retain(has);
        found.sort_unstable();
        found
    }
}
