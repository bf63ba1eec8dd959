//! `ferry profile KEY`: everything Ferry knows of one person, each value with where it came from.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use crate::cli::clean;
use crate::cli::company::{self, TieView};
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::runs::{plain, plain_value};
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::company::Rules;
use crate::model::{ProfileId, canonical};
use crate::store::{AssignmentRow, CompanyOf, ProfileDetail, Store};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, crm:CONN:OBJECT:ID, user_id:…, a bare e-mail address, or a profile's id; or a company:
    /// company:domain:DOMAIN, company:group:ID, company:crm:CONN:ID
    pub key: String,
}

pub async fn run(args: &Args, store: Option<&dyn Store>, rules: Rules, terminal: &Terminal) -> Ended {
    if let Some(key) = company::key(&args.key) {
        return company::run(key, store, terminal).await;
    }
    let (id, detail, store) = find(&args.key, store).await?;
    let company = store.company_of(id, Arc::new(rules)).await?;
    let mut waits = store.assignments(Some(id), Timestamp::EPOCH, WAITS).await?;
    waits.retain(|row| row.held_until.is_some());
    let shown = Whole { view: view(&detail, &company), waits };
    terminal.show(&shown, |terminal| {
        print(&detail, &company, terminal);
        for row in &shown.waits {
            let until = row.held_until.map(moment::at).unwrap_or_default();
            let why = row.trail.last().map_or_else(String::new, |line| format!(": {}", clean::line(&line.text)));
            terminal.say("");
            terminal.say(format!("{} {} waits until {until} UTC{why}", row.connection, row.object));
        }
    })?;
    Ok(Exit::Done)
}

/// Turns looked through for leads that wait.
const WAITS: usize = 100;

/// `profile --json`, with the leads that wait until somebody is there.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    view: View,
    waits: Vec<AssignmentRow>,
}

/// The profile a key means, and the store that knows it; `None` is a store that nothing has made yet.
pub async fn find<'s>(
    key: &str,
    store: Option<&'s dyn Store>,
) -> Result<(ProfileId, ProfileDetail, &'s dyn Store), Failure> {
    let store = store.ok_or_else(|| nobody(key))?;
    let id = store.find_profile(key).await?.ok_or_else(|| nobody(key))?;
    let detail = store.profile(id).await?.ok_or_else(|| nobody(key))?;
    Ok((id, detail, store))
}

pub fn nobody(key: &str) -> Failure {
    Failure::new(format!("nobody is known as `{}`", clean::line(key))).with_fix(
        "a key is email:ADDRESS, phone:+NUMBER, user_id:ID, loyalty_id:ID, anonymous_id:ID, crm:CONN:OBJECT:ID, a bare e-mail address or a profile's id",
    )
}

/// `profile --json`.
#[derive(Debug, Serialize)]
pub struct View {
    pub id: String,
    pub known: bool,
    pub first_seen: Timestamp,
    pub computed_at: Option<Timestamp>,
    pub events: u64,
    /// `kind:value`, strongest first.
    pub identifiers: Vec<String>,
    /// Where the person works, by what is known this instant.
    pub company: Option<TieView>,
    /// Other companies that the person was ever tied to, strongest tie first.
    pub past_companies: Vec<TieView>,
    pub traits: BTreeMap<String, Trait>,
    pub computed: BTreeMap<String, Json>,
    pub scores: Vec<ScoreView>,
    /// Bands and segments that the person is in, with when they were entered.
    pub bands: BTreeMap<String, Timestamp>,
    pub segments: BTreeMap<String, Timestamp>,
    pub records: Vec<RecordView>,
    pub deals: Vec<DealView>,
    pub history: Vec<HistoryView>,
}

#[derive(Debug, Serialize)]
pub struct Trait {
    pub value: Json,
    pub observed_at: Timestamp,
    pub recorded_at: Timestamp,
    pub origin: String,
}

#[derive(Debug, Serialize)]
pub struct ScoreView {
    pub name: String,
    pub value: f64,
    pub capped: bool,
    pub reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
pub struct Reason {
    pub label: String,
    pub points: f64,
    pub matches: u32,
}

#[derive(Debug, Serialize)]
pub struct RecordView {
    pub connection: String,
    pub object: String,
    pub id: String,
    pub archived: bool,
    pub modified_at: Option<Timestamp>,
    pub url: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct DealView {
    pub connection: String,
    pub id: String,
    pub name: Option<String>,
    pub status: &'static str,
    pub stage: Option<String>,
    /// Exact, as text.
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub closed_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub struct HistoryView {
    #[serde(rename = "trait")]
    pub name: String,
    pub value: Json,
    pub origin: String,
    pub observed_at: Timestamp,
    pub replaced_at: Timestamp,
}

pub fn view(detail: &ProfileDetail, company: &CompanyOf) -> View {
    let profile = &detail.profile;
    View {
        id: profile.uid.to_string(),
        known: profile.known,
        first_seen: profile.first_seen,
        computed_at: profile.computed_at,
        events: detail.events,
        identifiers: detail.identifiers.iter().map(ToString::to_string).collect(),
        company: company.primary.as_ref().map(TieView::of),
        past_companies: company.past.iter().map(TieView::of).collect(),
        traits: profile
            .attributes
            .iter()
            .map(|(name, attribute)| {
                let shown = Trait {
                    value: canonical::to_json(&attribute.value),
                    observed_at: attribute.observed_at,
                    recorded_at: attribute.recorded_at,
                    origin: attribute.origin.to_string(),
                };
                (name.to_string(), shown)
            })
            .collect(),
        computed: profile.computed.iter().map(|(name, value)| (name.to_string(), canonical::to_json(value))).collect(),
        bands: inside(&detail.standings.bands),
        segments: inside(&detail.standings.segments),
        scores: detail
            .scores
            .iter()
            .map(|score| ScoreView {
                name: score.name.to_string(),
                value: score.value,
                capped: score.capped,
                reasons: score
                    .parts
                    .iter()
                    .map(|part| Reason { label: part.label.to_string(), points: part.points, matches: part.matches })
                    .collect(),
            })
            .collect(),
        records: detail
            .records
            .iter()
            .map(|record| RecordView {
                connection: record.key.connection.to_string(),
                object: record.key.object.to_string(),
                id: record.key.id.to_string(),
                archived: record.archived,
                modified_at: record.modified_at,
                url: record.url.as_deref().map(str::to_owned),
            })
            .collect(),
        deals: detail
            .deals
            .iter()
            .map(|deal| DealView {
                connection: deal.connection.to_string(),
                id: deal.id.to_string(),
                name: deal.facts.name.as_deref().map(str::to_owned),
                status: deal.facts.status.as_str(),
                stage: deal.facts.stage.as_deref().map(str::to_owned),
                amount: deal.facts.amount.map(|amount| amount.normalize().to_string()),
                currency: deal.facts.currency.as_deref().map(str::to_owned),
                closed_at: deal.facts.closed_at,
            })
            .collect(),
        history: detail
            .history
            .iter()
            .map(|(name, was, replaced_at)| HistoryView {
                name: name.to_string(),
                value: canonical::to_json(&was.value),
                origin: was.origin.to_string(),
                observed_at: was.observed_at,
                replaced_at: *replaced_at,
            })
            .collect(),
    }
}

fn print(detail: &ProfileDetail, company: &CompanyOf, terminal: &Terminal) {
    let profile = &detail.profile;
    let known = if profile.known { "known" } else { "anonymous" };
    terminal.say(format!("{} {} ({known})", terminal.paint(Tone::Heading, "profile"), profile.uid));
    terminal.say(format!(
        "first seen {} UTC · {} {}",
        moment::at(profile.first_seen),
        moment::count(detail.events),
        if detail.events == 1 { "event" } else { "events" }
    ));
    for identifier in &detail.identifiers {
        terminal.say(format!("  {}", clean::line(&identifier.to_string())));
    }
    company::print_ties(company, terminal);
    let section = |name: &str| {
        terminal.say("");
        terminal.say(terminal.paint(Tone::Heading, name));
    };
    if !profile.attributes.is_empty() {
        section("traits");
        let mut table = terminal.table(&["trait", "value", "from", "observed (UTC)"]);
        for (name, attribute) in &profile.attributes {
            table.add_row([
                cell(Tone::Plain, name),
                cell(Tone::Plain, plain_value(&attribute.value)),
                cell(Tone::Quiet, &attribute.origin),
                cell(Tone::Quiet, moment::at(attribute.observed_at)),
            ]);
        }
        terminal.print(&table);
    }
    if !profile.computed.is_empty() {
        section("computed");
        let mut table = terminal.table(&["trait", "value"]);
        for (name, value) in &profile.computed {
            table.add_row([cell(Tone::Plain, name), cell(Tone::Plain, plain_value(value))]);
        }
        terminal.print(&table);
    }
    for score in &detail.scores {
        section(&format!("score {}: {:.2}", clean::line(&score.name), score.value));
        for part in &score.parts {
            terminal.say(format!("  {:+.2}  {} (×{})", part.points, clean::line(&part.label), part.matches));
        }
    }
    for (name, places) in [("bands", &detail.standings.bands), ("segments", &detail.standings.segments)] {
        let places = inside(places);
        if !places.is_empty() {
            section(name);
            for (name, since) in places {
                terminal.say(format!("  {} since {} UTC", clean::line(&name), moment::at(since)));
            }
        }
    }
    if !detail.records.is_empty() {
        section("records");
        for record in &detail.records {
            let state = if record.archived { " (deleted, merged or converted at the CRM)" } else { "" };
            let url = record.url.as_deref().unwrap_or_default();
            let key = &record.key;
            let line = format!("  {} {} {}{state}  {url}", key.connection, key.object, key.id);
            terminal.say(clean::line(line.trim_end()));
        }
    }
    print_deals(detail, terminal);
}

fn inside(places: &BTreeMap<std::sync::Arc<str>, crate::model::Place>) -> BTreeMap<String, Timestamp> {
    let inside = places.iter().filter(|(_, place)| place.inside);
    inside.map(|(name, place)| (name.to_string(), place.since)).collect()
}

fn print_deals(detail: &ProfileDetail, terminal: &Terminal) {
    if detail.deals.is_empty() {
        return;
    }
    terminal.say("");
    terminal.say(terminal.paint(Tone::Heading, "deals"));
    let mut table = terminal.table(&["deal", "status", "stage", ">amount", "closed (UTC)"]);
    for deal in &detail.deals {
        let facts = &deal.facts;
        let amount = facts.amount.map(|amount| format!("{} {}", amount, facts.currency.as_deref().unwrap_or_default()));
        table.add_row([
            cell(Tone::Plain, facts.name.as_deref().unwrap_or(deal.id.as_str())),
            cell(Tone::Plain, facts.status.as_str()),
            cell(Tone::Plain, facts.stage.as_deref().unwrap_or_default()),
            cell(Tone::Plain, amount.as_deref().map_or("–", str::trim_end)),
            cell(Tone::Quiet, facts.closed_at.map_or_else(|| plain(&Json::Null), moment::at)),
        ]);
    }
    terminal.print(&table);
}

#[cfg(test)]
pub(crate) mod tests {
    use connector::{DealFacts, DealStatus, Object, Value};
    use rust_decimal::Decimal;

    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::{
        Attribute, ClaimKind, CompanyKey, Deal, Identifier, LinkedRecord, Mirror, Origin, Profile, ProfileUid,
        RecordKey, Score, ScorePart,
    };
    use crate::store::CompanyTie;

    pub(crate) fn ada() -> ProfileDetail {
        let at = Timestamp::from_secs(86_400);
        let email = Attribute {
            value: "ada@northwind.example".into(),
            observed_at: at,
            recorded_at: at,
            origin: Origin::Identify("website".into()),
        };
        let key = RecordKey { connection: "acme".into(), object: Object::Contact, id: "501".into() };
        ProfileDetail {
            profile: Profile {
                id: ProfileId(1),
                uid: ProfileUid(uuid::Uuid::from_u128(5)),
                first_seen: at,
                known: true,
                attributes: BTreeMap::from([("email".into(), email)]),
                computed: [("visits_30d".into(), Value::from(3))].into(),
                computed_at: Some(at),
            },
            identifiers: vec![Identifier::email("ada@northwind.example").unwrap()],
            records: vec![LinkedRecord {
                key,
                profile: Some(ProfileId(1)),
                mirror: Mirror::default(),
                modified_at: None,
                archived: false,
                url: None,
            }],
            activities: Vec::new(),
            deals: vec![Deal {
                connection: "acme".into(),
                id: "9".into(),
                facts: DealFacts {
                    name: Some("Fleet".into()),
                    status: DealStatus::Won,
                    stage: None,
                    pipeline: None,
                    amount: Some(Decimal::new(120_050, 2)),
                    currency: Some("EUR".into()),
                    closed_at: Some(at),
                    owner: None,
                    products: None,
                },
                order_id: None,
            }],
            scores: vec![Score {
                name: "lead".into(),
                value: 65.08,
                parts: vec![ScorePart { label: "Demo form".into(), points: 18.0, matches: 1 }],
                capped: false,
            }],
            history: Vec::new(),
            standings: crate::model::Standings::default(),
            events: 4,
        }
    }

    fn at_northwind() -> CompanyOf {
        let key = CompanyKey::Domain("northwind.example".into());
        let tie = CompanyTie { by: key.clone(), key, name: None, why: ClaimKind::EmailDomain };
        let key = CompanyKey::Group("g-0".into());
        let past = CompanyTie { by: key.clone(), key, name: Some("Old Mill".into()), why: ClaimKind::Group };
        CompanyOf { primary: Some(tie), past: vec![past], email_is_business: true }
    }

    #[test]
    fn the_json_says_where_the_person_works_and_why() {
        let json = serde_json::to_value(view(&ada(), &at_northwind())).unwrap();
        let key = "domain:northwind.example";
        let want = serde_json::json!({ "key": key, "name": null, "why": "email_domain", "by": key });
        assert_eq!(json["company"], want);
        assert_eq!(json["past_companies"][0]["name"], "Old Mill");
    }

    #[test]
    fn the_json_keeps_money_exact_and_names_origins() {
        let json = serde_json::to_value(view(&ada(), &CompanyOf::default())).unwrap();
        assert_eq!(json["deals"][0]["amount"], "1200.5");
        assert_eq!(json["traits"]["email"]["origin"], "source website");
        assert_eq!(json["computed"]["visits_30d"], 3);
        assert_eq!(json["identifiers"], serde_json::json!(["email:ada@northwind.example"]));
        assert_eq!(json["scores"][0]["reasons"][0]["label"], "Demo form");
        assert_eq!(json["records"][0]["id"], "501");
    }

    #[test]
    fn a_person_reads_values_with_their_origin() {
        let (terminal, out, _) = captured(false);
        print(&ada(), &at_northwind(), &terminal);
        let text = out.text();
        for line in [
            "profile 00000000-0000-0000-0000-000000000005 (known)\n",
            "email  ada@northwind.example  source website  1970-01-02 00:00:00\n",
            "score lead: 65.08\n  +18.00  Demo form (×1)\n",
            "  acme contact 501\n",
            "  company domain:northwind.example (by e-mail address)\n    also Old Mill, group:g-0 (by group)\n",
            "Fleet  won            1200.50 EUR  1970-01-02 00:00:00\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
    }
}
