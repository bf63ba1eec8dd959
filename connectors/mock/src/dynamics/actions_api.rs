//! Unbound functions and actions: what is neither a row nor a table.

use serde_json::{Map, Value, json};

use super::address::Segment;
use super::ask::Ask;
use super::convert::Qualify;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::merge;
use super::org::Org;
use super::payload::{self, Given, Reader};
use super::refusal::{JSON, Refusal};
use super::row_api::pen;
use crate::desk::Core;
use crate::exchange::Reply;
use crate::versions::Sight;

pub fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>, first: &Segment) -> Result<Reply, Refusal> {
    let name = first.name.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(&first.name);
    match (ask.method(), name) {
        ("GET", "RetrieveTotalRecordCount") => total(org, core, ask, first.key.as_deref().unwrap_or("")),
        ("GET", "RetrieveVersion") => {
            let context = format!("{}$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse", ask.root);
            Ok(answered(&json!({ "@odata.context": context, "Version": "9.2.25111.00000" })))
        }
        ("POST", "PublishXml") => publish(&payload::object("PublishXml", &ask.call.body)?),
        ("POST", "PublishAllXml") => Ok(Reply::empty(204)),
        ("POST", "WinOpportunity") => close(org, core, ask, 1),
        ("POST", "LoseOpportunity") => close(org, core, ask, 2),
        ("POST", "Merge") => merge::by_api(org, core, ask),
        ("POST", "QualifyLead") => qualify(org, core, ask),
        _ => Err(Refusal::no_segment(&first.name)),
    }
}

fn answered(body: &Value) -> Reply {
    Reply { content_type: JSON, ..Reply::json(200, body) }
}

/// `RetrieveTotalRecordCount(EntityNames=['contact'])`: beyond what a count goes to.
fn total(org: &Org, core: &Core, ask: &Ask<'_>, key: &str) -> Result<Reply, Refusal> {
    let list = match key.split_once('=') {
        Some((_, value)) if value.trim().starts_with('@') => ask.option(value.trim()).unwrap_or(""),
        Some((_, value)) => value.trim(),
        None => "",
    };
    let names = list.trim_matches(['[', ']']).split(',').map(|name| name.trim().trim_matches(['\'', '"']));
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for name in names.filter(|name| !name.is_empty()) {
        let kind = Kind::of_logical(name)
            .ok_or_else(|| Refusal::invalid(format!("The entity with a name = '{name}' was not found.")))?;
        let sight = Sight::At(core.now);
        keys.push(name);
        values.push(org.ids(kind, None).filter(|id| org.row(kind, *id, sight).is_some()).count());
    }
    let context = format!("{}$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse", ask.root);
    let count = values.len();
    let collection = json!({ "Count": count, "IsReadOnly": false, "Keys": keys, "Values": values });
    Ok(answered(&json!({ "@odata.context": context, "EntityRecordCountCollection": collection })))
}

fn publish(body: &Map<String, Value>) -> Result<Reply, Refusal> {
    let xml = body.get("ParameterXml").and_then(Value::as_str).unwrap_or("");
    let list = xml.strip_prefix("<importexportxml>").and_then(|xml| xml.strip_suffix("</importexportxml>"));
    let list = list.ok_or_else(|| Refusal::invalid("ParameterXml must be an importexportxml document."))?;
    for part in list.split("<entity>").skip(1) {
        let name = part.split("</entity>").next().unwrap_or("");
        if Kind::of_logical(name).is_none() {
            return Err(Refusal::invalid(format!("The entity '{name}' to be published does not exist.")));
        }
    }
    Ok(Reply::empty(204))
}

/// `WinOpportunity`, `LoseOpportunity`: closes a deal and notes how in an activity of its own.
fn close(org: &mut Org, core: &mut Core, ask: &Ask<'_>, state: i64) -> Result<Reply, Refusal> {
    let (set, activity) =
        if state == 1 { ("WinOpportunity", "OpportunityClose") } else { ("LoseOpportunity", "OpportunityClose") };
    let body = payload::object(set, &ask.call.body)?;
    let missing =
        |name: &str| Refusal::payload(set, format!("The parameter '{name}' in the request payload is not valid."));
    let status = body.get("Status").and_then(Value::as_i64).ok_or_else(|| missing("Status"))?;
    let Some(Value::Object(note)) = body.get(activity) else { return Err(missing(activity)) };
    let made = Vec::new();
    let mut given = Reader { org, now: core.now, made: &made }.read(Kind::OpportunityClose, note)?;
    let lookup = org.schema(Kind::OpportunityClose).column("opportunityid").map(|(column, _)| column);
    let deal = lookup.and_then(|column| given.get(column)).and_then(Datum::as_lookup);
    let (_, deal) = deal
        .ok_or_else(|| Refusal::invalid("The OpportunityClose must name its opportunity: opportunityid@odata.bind."))?;
    let pen = pen(core, ask);
    org.may(&pen, Kind::Opportunity, "write")?;
    let row = org.row(Kind::Opportunity, deal, Sight::Latest);
    let row = row.ok_or_else(|| Refusal::no_row("opportunity", deal))?;
    if row.int("statecode") != 0 {
        return Err(Refusal::new(400, "0x80048d21", "The opportunity has already been closed."));
    }
    let revenue =
        org.schema(Kind::OpportunityClose).column("actualrevenue").and_then(|(column, _)| given.get(column).cloned());
    let closed_on =
        org.schema(Kind::OpportunityClose).column("actualend").and_then(|(column, _)| given.get(column).cloned());
    org.begin(core);
    let status = if status == -1 { if state == 1 { 3 } else { 4 } } else { status };
    let done = org.close_deal(core, &pen, deal, Outcome { state, status, revenue, closed_on }).and_then(|()| {
        for (name, value) in [("statecode", 1), ("statuscode", 2)] {
            if let Some((column, _)) = org.schema(Kind::OpportunityClose).column(name) {
                given.set(column, Datum::Int(value));
            }
        }
        org.insert(core, &super::pen::Pen { system: true, ..pen }, Kind::OpportunityClose, given)
    });
    match done {
        Ok(_) => {
            org.commit();
            Ok(Reply::empty(204))
        }
        Err(refusal) => {
            org.roll_back(core);
            Err(refusal)
        }
    }
}

/// What a deal ends as; revenue and day are taken from the deal and the clock when nobody says.
pub struct Outcome {
    pub state: i64,
    pub status: i64,
    pub revenue: Option<Datum>,
    pub closed_on: Option<Datum>,
}

impl Org {
    /// Moves a deal to won or lost, with what it brought and when.
    ///
    /// # Errors
    /// What refuses the change.
    pub fn close_deal(
        &mut self,
        core: &mut Core,
        pen: &super::pen::Pen,
        deal: Guid,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        let Outcome { state, status, revenue, closed_on } = outcome;
        let day = match closed_on {
            Some(Datum::Date(day)) => Some(day),
            Some(Datum::Instant(at)) => crate::clock::day(at),
            _ => crate::clock::day(pen.at),
        };
        let estimated = self.row(Kind::Opportunity, deal, Sight::Latest).map(|row| row.named("estimatedvalue"));
        let revenue = revenue.or(estimated.filter(|_| state == 1)).unwrap_or(Datum::Null);
        let mut given = Given::default();
        let cells = [
            ("statecode", Datum::Int(state)),
            ("statuscode", Datum::Int(status)),
            ("actualclosedate", day.map_or(Datum::Null, Datum::Date)),
            ("actualvalue", revenue),
        ];
        for (name, datum) in cells {
            if let Some((column, _)) = self.schema(Kind::Opportunity).column(name) {
                given.set(column, datum);
            }
        }
        self.update(core, &super::pen::Pen { system: true, ..*pen }, Kind::Opportunity, deal, given)
    }
}

fn qualify(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let body = payload::object("QualifyLead", &ask.call.body)?;
    let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
    let entity = |name: &str, key: &str| body.get(name).and_then(|each| each.get(key)?.as_str()).and_then(Guid::parse);
    let wrong = || Refusal::payload("QualifyLead", "The parameter 'LeadId' in the request payload is not valid.");
    let lead = entity("LeadId", "leadid").ok_or_else(wrong)?;
    let wanted = Qualify {
        account: flag("CreateAccount"),
        contact: flag("CreateContact"),
        opportunity: flag("CreateOpportunity"),
        status: body.get("Status").and_then(Value::as_i64).unwrap_or(3),
        ..Qualify::default()
    };
    let pen = pen(core, ask);
    org.may(&pen, Kind::Lead, "write")?;
    org.begin(core);
    match org.qualify(core, &pen, lead, &wanted) {
        Ok(made) => {
            org.commit();
            let rows: Vec<Value> = made
                .rows()
                .map(|(kind, id)| json!({ "@odata.type": format!("#Microsoft.Dynamics.CRM.{}", kind.logical()), kind.names().id: id.to_string() }))
                .collect();
            let context = format!("{}$metadata#Collection(Microsoft.Dynamics.CRM.crmbaseentity)", ask.root);
            Ok(answered(&json!({ "@odata.context": context, "value": rows })))
        }
        Err(refusal) => {
            org.roll_back(core);
            Err(refusal)
        }
    }
}
