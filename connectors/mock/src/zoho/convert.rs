//! A lead becomes a contact, an account and perhaps a deal: over the API and by a person's hand.

use serde_json::{Map, Value, json};

use super::catalogue::OWNER;
use super::datum::Datum;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::Refusal;
use super::rep::{Body, say};
use super::write::shown;
use super::write_api::object;
use crate::clock::whole_second;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

/// What a contact and an account take over from a lead under another name; the rest goes by the same name.
const TO_CONTACT: [(&str, &str); 6] = [
    ("Designation", "Title"),
    ("Street", "Mailing_Street"),
    ("City", "Mailing_City"),
    ("State", "Mailing_State"),
    ("Zip_Code", "Mailing_Zip"),
    ("Country", "Mailing_Country"),
];
const TO_ACCOUNT: [(&str, &str); 5] = [
    ("Company", "Account_Name"),
    ("No_of_Employees", "Employees"),
    ("Street", "Billing_Street"),
    ("City", "Billing_City"),
    ("Country", "Billing_Country"),
];

/// What the records a lead becomes are made of, or which they are.
#[derive(Default)]
struct Plan {
    account: Option<u64>,
    contact: Option<u64>,
    deal: Option<Map<String, Value>>,
    owner: Option<u64>,
    /// Lead field to contact field, beside the usual.
    map: Map<String, Value>,
}

/// What a lead became.
pub struct Converted {
    pub account: u64,
    pub contact: u64,
    pub deal: Option<u64>,
}

impl Org {
    /// `POST /Leads/{id}/actions/convert`.
    pub fn convert_call(&mut self, core: &mut Core, call: &Call, text: &str) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let pen = Pen::api(core);
        let unknown = || Refusal::invalid("the id given seems to be invalid").with("resource_path_index", 1);
        let lead = ids::parse(text).filter(|id| self.live(Kind::Leads, *id, Sight::Latest).is_some());
        let lead = lead.ok_or_else(unknown)?;
        let row = body.get("data").map(|data| &data[0]).and_then(Value::as_object).cloned().unwrap_or_default();
        let named = |key: &str, kind: Kind| -> Result<Option<u64>, Refusal> {
            let Some(given) = row.get(key).filter(|given| !given.is_null()) else { return Ok(None) };
            let id = given.get("id").and_then(ids::from_json);
            let live = id.filter(|id| self.live(kind, *id, Sight::Latest).is_some());
            let wrong = || {
                let refusal = Refusal::invalid("the id given seems to be invalid").with("api_name", key);
                refusal.with("json_path", format!("$.data[0].{key}.id"))
            };
            live.map(Some).ok_or_else(wrong)
        };
        let owner = row.get("assign_to").and_then(|to| ids::from_json(to.get("id").unwrap_or(to)));
        if owner.is_some_and(|owner| self.user(owner).is_none_or(|user| !user.active)) {
            return Err(Refusal::invalid("the id given seems to be invalid").with("api_name", "assign_to"));
        }
        let deal = row.get("Deals").and_then(Value::as_object).cloned();
        let plan = Plan {
            account: named("Accounts", Kind::Accounts)?,
            contact: named("Contacts", Kind::Contacts)?,
            deal,
            owner,
            map: Map::new(),
        };
        let made = self.convert(core, &pen, lead, plan)?;
        let one = |id: u64| json!({ "name": self.title_of(id), "id": id.to_string() });
        let details = json!({
            "Contacts": one(made.contact), "Accounts": one(made.account), "Deals": made.deal.map(one),
        });
        let row = json!({
            "code": "SUCCESS", "details": details, "status": "success",
            "message": "The record has been converted successfully",
        });
        Ok(Reply::json(200, &json!({ "data": [row] })))
    }

    /// `{id, account?, contact?, opportunity?, map?, owner?}`; `opportunity` is `true` or a deal's name.
    pub fn convert_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let given = |key: &str, kind: Kind| match body.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => super::rep::of_kind(kind, value).map(Some),
        };
        let lead = given(if body.contains_key("id") { "id" } else { "lead" }, Kind::Leads)?.ok_or("id is required")?;
        let deal = match body.get("opportunity").or(body.get("deal")) {
            Some(Value::String(name)) => Some(json!(name)),
            Some(Value::Bool(true)) => Some(Value::Null),
            _ => None,
        };
        let deal = deal.map(|name| {
            let company = self.live(Kind::Leads, lead, Sight::Latest).map(|seen| seen.named("Company").plain(0));
            let name = if name.is_null() { json!(format!("{} deal", company.unwrap_or_default())) } else { name };
            Map::from_iter([("Deal_Name".to_owned(), name)])
        });
        let owner = match body.get("owner") {
            None => None,
            Some(owner) => {
                let id = ids::from_json(owner).filter(|id| self.user(*id).is_some());
                Some(id.ok_or("owner is no user")?)
            }
        };
        let map = body.get("map").and_then(Value::as_object).cloned().unwrap_or_default();
        let plan = Plan {
            account: given("account", Kind::Accounts)?,
            contact: given("contact", Kind::Contacts)?,
            deal,
            owner,
            map,
        };
        let made = self.convert(core, &pen, lead, plan).map_err(|refusal| say(&refusal))?;
        Ok(json!({
            "id": lead.to_string(),
            "contact": made.contact.to_string(),
            "account": made.account.to_string(),
            "opportunity": made.deal.map(|id| id.to_string()),
        }))
    }

    fn convert(&mut self, core: &mut Core, pen: &Pen, lead: u64, plan: Plan) -> Result<Converted, Refusal> {
        let unknown = || Refusal::invalid("the id given seems to be invalid").with("id", lead.to_string());
        let seen = self.live(Kind::Leads, lead, Sight::Latest).ok_or_else(unknown)?;
        if seen.named("Converted__s").is_true() {
            return Err(Refusal::new(400, "ID_ALREADY_CONVERTED", "id already converted").with("id", lead.to_string()));
        }
        let owner = plan.owner.or(seen.get(OWNER).as_ref_id()).unwrap_or(ids::SYNC_USER);
        let owner_cell = json!({ "id": owner.to_string() });
        let person = self.taken_over(lead, Kind::Contacts, &TO_CONTACT, &plan.map);
        let firm = self.taken_over(lead, Kind::Accounts, &TO_ACCOUNT, &Map::new());
        let deal = plan.deal.as_ref().map(|given| self.deal_of(pen, given)).transpose()?;
        // A person who makes records of a lead is not held to what integrations must fill in.
        let maker = Pen { by: if pen.is_system() { pen.by } else { crate::ledger::By::Workflow }, ..*pen };
        let log_as = Pen { triggers: false, ..maker };
        let account = match plan.account.or_else(|| self.account_named(&firm)) {
            Some(account) => account,
            None => {
                let mut firm = firm;
                firm.insert("Owner".into(), owner_cell.clone());
                firm.entry("Account_Name").or_insert_with(|| json!("Unknown"));
                self.insert(core, &log_as, Kind::Accounts, &firm, "$.data[0].Accounts")?
            }
        };
        let contact = match plan.contact {
            Some(contact) => contact,
            None => {
                let mut person = person;
                person.insert("Owner".into(), owner_cell.clone());
                person.insert("Account_Name".into(), json!({ "id": account.to_string() }));
                self.insert(core, &log_as, Kind::Contacts, &person, "$.data[0].Contacts")?
            }
        };
        let deal = match deal {
            None => None,
            Some(mut deal) => {
                deal.insert("Owner".into(), owner_cell);
                deal.insert("Account_Name".into(), json!({ "id": account.to_string() }));
                deal.insert("Contact_Name".into(), json!({ "id": contact.to_string() }));
                Some(self.insert(core, &log_as, Kind::Deals, &deal, "$.data[0].Deals")?)
            }
        };
        self.repoint(core, &log_as, (Kind::Leads, lead), contact);
        self.mark_converted(core, pen, lead, account, contact, deal);
        Ok(Converted { account, contact, deal })
    }

    /// Lead fields under the names the other module has for them; its own fields of the same name and type come along.
    fn taken_over(
        &self,
        lead: u64,
        kind: Kind,
        renamed: &[(&str, &str)],
        map: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut given = Map::new();
        let Some(seen) = self.live(Kind::Leads, lead, Sight::Latest) else { return given };
        for (id, field) in self.schema(Kind::Leads).all().filter(|(id, field)| *id > OWNER && !field.read_only) {
            let name = &*field.name;
            let to = match (map.get(name).and_then(Value::as_str), renamed.iter().find(|(from, _)| *from == name)) {
                (Some(to), _) => to,
                (None, Some((_, to))) => to,
                (None, None) => name,
            };
            let fits = self.schema(kind).get(to).is_some_and(|(_, other)| other.ty == field.ty && !other.read_only);
            let datum = seen.get(id);
            if fits && !datum.is_null() && !matches!(datum, Datum::Ref(_)) {
                let value = match datum {
                    Datum::List(names) if field.ty == super::schema::FieldType::Tags => {
                        json!(names.iter().map(|name| json!({ "name": &**name })).collect::<Vec<_>>())
                    }
                    other => shown(&other),
                };
                given.insert(to.to_owned(), value);
            }
        }
        given
    }

    /// A deal needs a name; stage, pipeline and day have values the form would show.
    fn deal_of(&self, pen: &Pen, given: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        let mut deal = given.clone();
        if deal.get("Deal_Name").and_then(Value::as_str).is_none_or(str::is_empty) {
            let refusal =
                Refusal::new(400, "MANDATORY_NOT_FOUND", "required field not found").with("api_name", "Deal_Name");
            return Err(refusal.with("json_path", "$.data[0].Deals.Deal_Name"));
        }
        let pipeline = self.pipelines.first();
        let stage = pipeline.and_then(|each| each.stages.first()).map_or("", |stage| stage.actual.as_str());
        deal.entry("Stage").or_insert_with(|| json!(stage));
        deal.entry("Pipeline").or_insert_with(|| json!(pipeline.map_or("", |each| each.name.as_str())));
        let month = pen.at.saturating_add(30 * 86_400_000);
        deal.entry("Closing_Date").or_insert_with(|| json!(crate::clock::iso_date(month)));
        Ok(deal)
    }

    fn account_named(&self, firm: &Map<String, Value>) -> Option<u64> {
        let name = firm.get("Account_Name")?.as_str()?.to_lowercase();
        let (field, _) = self.schema(Kind::Accounts).get("Account_Name")?;
        self.find(Kind::Accounts, field, &name).first().copied()
    }

    fn mark_converted(&mut self, core: &mut Core, pen: &Pen, lead: u64, account: u64, contact: u64, deal: Option<u64>) {
        let Some(mut row) = self.live(Kind::Leads, lead, Sight::Latest).map(|seen| seen.to_row()) else { return };
        let cells = [
            ("Converted__s", Datum::Bool(true)),
            ("Converted_Date_Time", Datum::Instant(whole_second(pen.at))),
            ("Converted_Account", Datum::Ref(account)),
            ("Converted_Contact", Datum::Ref(contact)),
            ("Converted_Deal", deal.map_or(Datum::Null, Datum::Ref)),
        ];
        for (name, datum) in cells {
            if let Some((field, _)) = self.schema(Kind::Leads).get(name) {
                row.set(field, datum);
            }
        }
        row.modified = whole_second(pen.at);
        row.active = row.modified;
        row.modified_by = pen.user;
        self.keep(core, pen, Kind::Leads, lead, row);
        let before = json!({ "Converted__s": false });
        let after = json!({
            "Converted__s": true, "contact": contact.to_string(), "account": account.to_string(),
            "deal": deal.map(|id| id.to_string()),
        });
        core.log(Change { op: "convert", object: "Leads", record: &lead.to_string(), before, after, by: pen.by });
    }
}
