//! The portal: everything one HubSpot account holds.

use serde_json::{Map, Value};

use super::associations::Associations;
use super::auth::Tokens;
use super::catalogue;
use super::kind::Kind;
use super::knobs::Knobs;
use super::limits::Limits;
use super::lists::Lists;
use super::owners::{self, Owner};
use super::pipelines::Pipeline;
use super::population::Population;
use super::records::{Seen, Table};
use super::schema::{Name, Schema};
use super::search_cache::SearchCache;
use super::write::Pen;
use crate::chance;
use crate::clock::Millis;
use crate::crowd::Crowd;
use crate::desk::Core;
use crate::knobs;
use crate::options::{Options, StartError};

pub struct Portal {
    pub people: Population,
    pub schemas: Vec<Schema>,
    pub tables: Vec<Table>,
    pub associations: Associations,
    pub lists: Lists,
    pub owners: Vec<Owner>,
    pub deal_pipelines: Vec<Pipeline>,
    pub ticket_pipelines: Vec<Pipeline>,
    pub lead_pipelines: Vec<Pipeline>,
    pub tokens: Tokens,
    pub limits: Limits,
    pub knobs: Knobs,
    pub searches: SearchCache,
    /// Whether the request being answered came by a `2026-09` path, which enforces more rules.
    pub newest_rules: bool,
    /// Rewrites that workflows will make once the request is answered.
    pub awaiting: Vec<(Kind, u64, Name, String, Pen)>,
}

impl Portal {
    pub fn new(options: &Options) -> Result<Self, StartError> {
        let contacts = options.contacts();
        let people = Population { crowd: Crowd { seed: options.seed, contacts }, equal_stamps: false };
        let mut deal_pipelines = vec![Pipeline::standard()];
        if options.seed_dir.is_some() {
            deal_pipelines = vec![Pipeline::seeded()];
            if contacts > 0 {
                // Generated deals still need the pipeline they were made for.
                deal_pipelines.push(Pipeline::standard());
            }
        }
        let mut portal = Self {
            schemas: Kind::ALL.iter().map(|kind| catalogue::schema(*kind, &deal_pipelines)).collect(),
            tables: Kind::ALL.iter().map(|kind| Table::new(*kind, &people)).collect(),
            people,
            associations: Associations::default(),
            lists: Lists::default(),
            owners: owners::synthetic(),
            deal_pipelines,
            ticket_pipelines: vec![Pipeline::support()],
            lead_pipelines: vec![Pipeline::leads()],
            tokens: Tokens::default(),
            limits: Limits::default(),
            knobs: Knobs::default(),
            searches: SearchCache::default(),
            newest_rules: false,
            awaiting: Vec::new(),
        };
        if let Some(folder) = &options.seed_dir {
            portal.load_exports(folder)?;
        }
        Ok(portal)
    }

    pub fn configure(&mut self, patch: Map<String, Value>) -> Result<(), String> {
        let knobs = knobs::patched(&self.knobs, patch)?;
        if let Some(rule) = knobs.workflows.iter().find(|rule| Kind::parse(&rule.object).is_none()) {
            return Err(format!("workflows: unknown object `{}`", rule.object));
        }
        self.people.equal_stamps = knobs.equal_stamps;
        self.knobs = knobs;
        self.searches.clear();
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

    pub fn live(&self, kind: Kind, id: u64) -> Option<Seen<'_>> {
        self.table(kind).live(&self.people, id)
    }

    pub fn seen(&self, kind: Kind, id: u64) -> Option<Seen<'_>> {
        self.table(kind).seen(&self.people, id)
    }

    pub fn pipelines(&self, kind: Kind) -> &[Pipeline] {
        match kind {
            Kind::Deal => &self.deal_pipelines,
            Kind::Ticket => &self.ticket_pipelines,
            Kind::Lead => &self.lead_pipelines,
            _ => &[],
        }
    }

    /// When a change made now reaches the search index.
    pub fn visible_at(&self, core: &Core, kind: Kind, id: u64) -> Millis {
        let least = core.search_lag_ms;
        let spread = self.knobs.search_lag_max_ms.saturating_sub(least);
        let revision = self.table(kind).revision;
        let lag = least + if spread > 0 { chance::below(core.seed, 0x1a6, id ^ revision, spread + 1) } else { 0 };
        core.after(lag)
    }
}
