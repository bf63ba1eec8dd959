//! What `ferry explain` knows of each field, as data: the shape of `--json`. Pure: everything it needs is handed in.

use std::collections::BTreeMap;

use connector::{ConnectionName, Timestamp};
use serde::Serialize;
use serde_json::Value as Json;

use crate::enrich::{Evidence, EvidenceSource, ExplainedPart, Model, Outlook, Person};
use crate::mapping::{FieldMapping, ObjectMapping, Source};
use crate::model::{Attribute, EventRow, Fact, canonical};
use crate::store::{JournalRow, ProfileDetail};

/// Everything that is known about one person, and the rules that apply.
#[derive(Debug)]
pub struct Known<'a> {
    pub detail: &'a ProfileDetail,
    pub facts: &'a [Fact],
    /// The person's events, to name them.
    pub events: &'a [EventRow],
    /// Writes to the person's records, newest first.
    pub journal: &'a [JournalRow],
    pub model: &'a Model,
    pub mappings: &'a [(ConnectionName, ObjectMapping)],
    /// The instant asked about; `None` is now, as stored.
    pub as_of: Option<Timestamp>,
    pub now: Timestamp,
}

/// `explain --json`.
#[derive(Debug, Serialize)]
pub struct View {
    pub profile: String,
    pub as_of: Timestamp,
    pub fields: Vec<Field>,
}

/// One trait, where it goes, and why it is what it is.
#[derive(Debug, Serialize)]
pub struct Field {
    #[serde(rename = "trait")]
    pub name: String,
    pub value: Json,
    /// `computed`, or who said so.
    pub origin: String,
    /// When the source says it became true; null for what is computed.
    pub observed_at: Option<Timestamp>,
    /// How a computed value comes about.
    pub how: Option<String>,
    /// A score before rounding.
    pub exact: Option<f64>,
    pub capped: bool,
    /// A score's rules after their caps, largest first.
    pub parts: Vec<ExplainedPart>,
    /// Of a score: what time alone will do to it.
    pub outlook: Option<Outlook>,
    /// What it was before, and until when.
    pub was: Option<Was>,
    /// What counts, and what does not and why.
    pub evidence: Vec<Piece>,
    pub mappings: Vec<Line>,
    pub records: Vec<Held>,
    pub journal: Vec<JournalRow>,
}

/// An event or deal behind a value.
#[derive(Debug, Serialize)]
pub struct Piece {
    pub at: Option<Timestamp>,
    /// An event's name, or `deal CONNECTION ID`.
    pub what: String,
    pub rule: Option<String>,
    pub detail: Option<String>,
    pub points: Option<f64>,
    pub age_days: Option<f64>,
    pub left_out: Option<&'static str>,
}

/// A value that another one replaced.
#[derive(Debug, Serialize)]
pub struct Was {
    pub value: Json,
    pub until: Timestamp,
}

/// A line of the mapping that carries the trait.
#[derive(Debug, Serialize)]
pub struct Line {
    pub connection: ConnectionName,
    pub object: String,
    pub field: String,
    pub line: String,
}

/// What a record at the CRM holds, as last seen and as last agreed.
#[derive(Debug, Serialize)]
pub struct Held {
    pub connection: ConnectionName,
    pub object: String,
    pub id: String,
    pub field: String,
    pub seen: Json,
    pub agreed: Json,
    /// Fought over: not written until it is thawed.
    pub frozen: bool,
}

impl Known<'_> {
    /// The traits that a word means: a trait's own name, a score's, or the CRM fields it is mapped to. Without a word, all
    /// that are computed or mapped.
    pub fn meant(&self, word: Option<&str>) -> Vec<String> {
        let mapped = || self.mappings.iter().flat_map(|(_, mapping)| &mapping.fields);
        let Some(word) = word else {
            let computed = self.detail.profile.computed.keys().map(ToString::to_string);
            let mut all: Vec<String> = computed.chain(mapped().map(|one| one.attribute.to_string())).collect();
            all.sort();
            all.dedup();
            return all;
        };
        let profile = &self.detail.profile;
        if profile.computed.contains_key(word) || profile.attributes.contains_key(word) {
            return vec![word.to_owned()];
        }
        // A CRM spells our fields its own way (CDP_Score_Engagement__c); people may say cdp_score_engagement of any.
        let ours = word.strip_prefix("cdp_").unwrap_or(word);
        let mut meant: Vec<String> = mapped()
            .filter(|one| one.field.eq_ignore_ascii_case(word) || &*one.attribute == word || &*one.attribute == ours)
            .map(|one| one.attribute.to_string())
            .collect();
        if meant.is_empty() && self.explained(word).is_some() {
            meant.push(word.to_owned());
        }
        meant.sort();
        meant.dedup();
        meant
    }

    pub fn view(&self, names: &[String]) -> View {
        View {
            profile: self.detail.profile.uid.to_string(),
            as_of: self.instant(),
            fields: names.iter().map(|name| self.field(name)).collect(),
        }
    }

    fn instant(&self) -> Timestamp {
        self.as_of.or(self.detail.profile.computed_at).unwrap_or(self.now)
    }

    /// The value before the one at the instant; of a score's name, its trait's.
    fn was(&self, name: &str) -> Option<Was> {
        let scored = format!("score_{name}");
        let known = |trait_name: &str| trait_name == name || trait_name == scored;
        let past = self.detail.history.iter().filter(|(one, _, until)| known(one) && *until <= self.instant());
        let (_, was, until) = past.max_by_key(|(_, _, until)| *until)?;
        Some(Was { value: canonical::to_json(&was.value), until: *until })
    }

    fn explained(&self, name: &str) -> Option<crate::enrich::Explanation> {
        let known = Person::of(self.facts, &self.detail.deals, self.instant());
        let profile = &self.detail.profile;
        let (declared, company, first_seen) = (&profile.attributes, &profile.computed, Some(profile.first_seen));
        let activities = &self.detail.activities;
        let person = Person { activities, declared, company, first_seen, known: profile.known, ..known };
        self.model.explain(&person, name)
    }

    fn field(&self, name: &str) -> Field {
        let mappings = self.lines(name);
        let fields: Vec<&str> = mappings.iter().map(|line| line.field.as_str()).collect();
        let mut field = Field {
            name: name.to_owned(),
            value: Json::Null,
            origin: "nothing known".to_owned(),
            observed_at: None,
            how: None,
            exact: None,
            capped: false,
            parts: Vec::new(),
            outlook: None,
            was: self.was(name),
            evidence: Vec::new(),
            records: self.held(&mappings),
            journal: self.journal_of(&fields),
            mappings,
        };
        if let Some(explanation) = self.explained(name) {
            let names: BTreeMap<i64, &EventRow> = self.events.iter().map(|row| (row.row, row)).collect();
            field.value = canonical::to_json(&explanation.value);
            field.origin = "computed".to_owned();
            field.how = Some(explanation.how);
            field.exact = explanation.exact;
            field.capped = explanation.capped;
            field.parts = explanation.parts;
            field.outlook = explanation.outlook;
            field.evidence = explanation.evidence.iter().map(|evidence| piece(evidence, &names)).collect();
        } else if let Some(attribute) = self.declared(name) {
            field.value = canonical::to_json(&attribute.value);
            field.origin = attribute.origin.to_string();
            field.observed_at = Some(attribute.observed_at);
        } else if let Some(value) = self.detail.profile.computed.get(name) {
            // What the company gives is placed with the person, and by no trait of theirs.
            field.value = canonical::to_json(value);
            field.origin = "the company".to_owned();
        } else if self.is_profile_id(name) {
            field.value = self.detail.profile.uid.to_string().into();
            field.origin = "this profile's id".to_owned();
        }
        field
    }

    /// A declared trait as it was at the instant: the value that was replaced first after it, else today's if it was
    /// written down by then.
    fn declared(&self, name: &str) -> Option<&Attribute> {
        let current = self.detail.profile.attributes.get(name);
        let Some(as_of) = self.as_of else { return current };
        let replaced_later = self
            .detail
            .history
            .iter()
            .filter(|(of, _, replaced_at)| &**of == name && *replaced_at > as_of)
            .min_by_key(|(_, _, replaced_at)| *replaced_at)
            .map(|(_, was, _)| was);
        replaced_later.or(current).filter(|attribute| attribute.recorded_at <= as_of)
    }

    fn is_profile_id(&self, name: &str) -> bool {
        self.mapped(name).any(|(_, _, mapping)| mapping.source == Source::ProfileId)
    }

    fn mapped<'n>(
        &'n self,
        name: &'n str,
    ) -> impl Iterator<Item = (&'n ConnectionName, &'n ObjectMapping, &'n FieldMapping)> {
        self.mappings.iter().flat_map(move |(connection, mapping)| {
            let carries = move |one: &&FieldMapping| &*one.attribute == name;
            mapping.fields.iter().filter(carries).map(move |one| (connection, mapping, one))
        })
    }

    fn lines(&self, name: &str) -> Vec<Line> {
        self.mapped(name)
            .map(|(connection, mapping, one)| Line {
                connection: connection.clone(),
                object: mapping.object.to_string(),
                field: one.field.to_string(),
                line: mapping.line(one).to_string(),
            })
            .collect()
    }

    fn held(&self, lines: &[Line]) -> Vec<Held> {
        let mut held = Vec::new();
        for record in self.detail.records.iter().filter(|record| !record.archived) {
            let here =
                |line: &&Line| line.connection == record.key.connection && line.object == record.key.object.as_str();
            for line in lines.iter().filter(here) {
                let Some(field) = record.mirror.get(&line.field) else { continue };
                let json = |value: &Option<connector::Value>| value.as_ref().map_or(Json::Null, canonical::to_json);
                held.push(Held {
                    connection: record.key.connection.clone(),
                    object: record.key.object.to_string(),
                    id: record.key.id.to_string(),
                    field: line.field.clone(),
                    seen: json(&field.seen),
                    agreed: json(&field.base),
                    frozen: field.frozen,
                });
            }
        }
        held
    }

    fn journal_of(&self, fields: &[&str]) -> Vec<JournalRow> {
        let until = self.as_of.unwrap_or(self.now);
        let concerns = |row: &&JournalRow| row.at <= until && fields.contains(&&*row.field);
        self.journal.iter().filter(concerns).cloned().collect()
    }
}

fn piece(evidence: &Evidence, names: &BTreeMap<i64, &EventRow>) -> Piece {
    let what = match &evidence.source {
        EvidenceSource::Event(row) => match names.get(row).map(|row| &row.event) {
            Some(event) => match &event.name {
                Some(name) => format!("{} {name}", event.kind.as_str()),
                None => event.kind.as_str().to_owned(),
            },
            None => format!("event {row}"),
        },
        EvidenceSource::Deal { connection, id } => format!("deal {connection} {id}"),
        EvidenceSource::Activity { connection, id } => format!("activity {connection} {id}"),
    };
    Piece {
        at: evidence.at,
        what,
        rule: evidence.rule.as_deref().map(str::to_owned),
        detail: evidence.detail.as_deref().map(str::to_owned),
        points: evidence.points,
        age_days: evidence.age_days,
        left_out: evidence.left_out,
    }
}
