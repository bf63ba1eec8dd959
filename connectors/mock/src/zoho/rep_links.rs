//! Who belongs to whom: what other CRMs call an association is a lookup here, or a part in a deal.

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::rep::{Body, flag, id, object, say, word};
use super::roles::NAMES;
use crate::desk::Core;

/// The field of the first by which it points at the second.
fn lookup(from: Kind, to: Kind) -> Option<&'static str> {
    Some(match (from, to) {
        (Kind::Contacts | Kind::Deals, Kind::Accounts) => "Account_Name",
        (Kind::Deals, Kind::Contacts) => "Contact_Name",
        (Kind::Tasks | Kind::Events | Kind::Calls, Kind::Contacts | Kind::Leads) => "Who_Id",
        (Kind::Tasks | Kind::Events | Kind::Calls, Kind::Accounts | Kind::Deals) => "What_Id",
        (Kind::Notes, _) => "Parent_Id",
        _ => return None,
    })
}

impl Org {
    /// `{from, from_id, to, to_id, remove?}`, in either direction. A second contact of a deal gets a part in it.
    pub fn associate_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let (from, to) = (object(body, "from")?, object(body, "to")?);
        let (one, other) = ((from, id(body, "from_id", from)?), (to, id(body, "to_id", to)?));
        let pen = self.pen(core, body)?;
        let (child, parent, field) = match (lookup(from, to), lookup(to, from)) {
            (Some(field), _) => (one, other, field),
            (None, Some(field)) => (other, one, field),
            (None, None) => return Err(format!("{} and {} are not linked here", from.name(), to.name())),
        };
        self.tie(core, &pen, child, parent, field, flag(body, "remove"))?;
        Ok(json!({}))
    }

    fn tie(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        child: (Kind, u64),
        parent: (Kind, u64),
        field: &str,
        remove: bool,
    ) -> Result<(), String> {
        let seen = self.live(child.0, child.1, Sight::Latest).ok_or_else(|| format!("there is no {}", child.1))?;
        let now = seen.named(field).as_ref_id();
        let into_deal = (child.0, parent.0) == (Kind::Deals, Kind::Contacts);
        if remove && into_deal && now != Some(parent.1) {
            self.take_part(core, pen, (child.1, parent.1), None);
            return Ok(());
        }
        if !remove && into_deal && now.is_some_and(|now| now != parent.1) {
            self.take_part(core, pen, (child.1, parent.1), Some(NAMES[1]));
            return Ok(());
        }
        if remove != (now == Some(parent.1)) {
            return Ok(());
        }
        let value = if remove { Value::Null } else { json!({ "id": parent.1.to_string() }) };
        let mut given = Map::from_iter([(field.to_owned(), value)]);
        if field == "What_Id" {
            given.insert("$se_module".into(), json!(parent.0.name()));
        }
        self.update(core, pen, child, &given, "$").map_err(|refusal| say(&refusal))
    }

    /// `{deal, contact, role?, remove?}`: a person's part in a deal.
    pub fn role_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let key = if body.contains_key("deal") { "deal" } else { "opportunity" };
        let (deal, contact) = (id(body, key, Kind::Deals)?, id(body, "contact", Kind::Contacts)?);
        let role = word(body, "role").unwrap_or(NAMES[1]);
        let role = NAMES.into_iter().find(|name| *name == role).ok_or("there is no such role")?;
        self.take_part(core, &pen, (deal, contact), (!flag(body, "remove")).then_some(role));
        Ok(json!({}))
    }

    /// `{id, won?, amount?, close_date?}` and `{id, stage?}`: moves deals to a stage that means it.
    pub fn move_deals(&mut self, core: &mut Core, body: &Body, close: bool) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let won = body.get("won").and_then(Value::as_bool).unwrap_or(true);
        let ids = self.chosen(Kind::Deals, body)?;
        for id in &ids {
            let seen = self.live(Kind::Deals, *id, Sight::Latest).ok_or_else(|| format!("there is no {id}"))?;
            let pipeline = seen.named("Pipeline").plain(0);
            let known = self.pipelines.iter().find(|each| each.name == pipeline).or(self.pipelines.first());
            let fits = |stage: &&super::stages::Stage| match close {
                true => {
                    stage.forecast == if won { super::stages::Forecast::Won } else { super::stages::Forecast::Lost }
                }
                false => !stage.forecast.is_closed(),
            };
            let stage = known.and_then(|each| each.stages.iter().find(fits)).map(|stage| stage.actual.clone());
            let stage = word(body, "stage").map(str::to_owned).or(stage).ok_or("no such stage")?;
            let mut given = Map::from_iter([("Stage".to_owned(), json!(stage))]);
            for (key, name) in [("amount", "Amount"), ("close_date", "Closing_Date")] {
                given.extend(body.get(key).map(|value| (name.to_owned(), value.clone())));
            }
            self.update(core, &pen, (Kind::Deals, *id), &given, "$").map_err(|refusal| say(&refusal))?;
        }
        Ok(super::rep::said(&ids))
    }
}
