//! What a write may say: the checks that come before anything is applied. Pure over the portal.

use serde_json::{Map, Value};

use super::catalogue::lifecycle_rank;
use super::kind::Kind;
use super::portal::Portal;
use super::records::{Seen, Source};
use super::refusal::{Problem, Refusal};
use super::schema::Name;
use super::values::{as_text, normalise};

/// Values ready to be stored; `""` clears.
pub type Values = Vec<(Name, String)>;

impl Portal {
    /// Checks and normalises the values of one write. `current` is the record, or nothing when it is being made.
    pub fn check(
        &self,
        kind: Kind,
        current: Option<Seen<'_>>,
        given: &Map<String, Value>,
        source: Source,
    ) -> Result<Values, Refusal> {
        let schema = self.schema(kind);
        let (mut values, mut problems) = (Values::new(), Vec::new());
        for (name, value) in given {
            let Some(property) = schema.get(name) else {
                let message = format!("Property \"{name}\" does not exist");
                problems.push(Problem::new(name, "PROPERTY_DOESNT_EXIST", message));
                continue;
            };
            if property.refuses_writes() {
                let message = format!("\"{name}\" is a read only property; its value cannot be set.");
                problems.push(Problem::new(name, "READ_ONLY_VALUE", message));
                continue;
            }
            let Some(text) = as_text(value) else {
                let message = format!("{name} must be a string");
                problems.push(Problem::new(name, "INVALID_TYPE", message));
                continue;
            };
            let held = current.and_then(|seen| seen.get(name));
            match normalise(property, &text, held.as_deref()) {
                Ok(text) => values.push((property.name.clone(), text)),
                Err(problem) => problems.push(problem),
            }
        }
        self.check_references(kind, current, &values, &mut problems);
        if source == Source::Integration && self.newest_rules {
            self.check_required_by_rule(kind, current, &values, &mut problems);
        }
        if !problems.is_empty() {
            return Err(Refusal::invalid_values(&problems));
        }
        if source == Source::Integration {
            hold_lifecycle(current, &mut values);
        }
        Ok(values)
    }

    /// Owner ids must exist and a stage must belong to the pipeline.
    fn check_references(&self, kind: Kind, current: Option<Seen<'_>>, values: &Values, problems: &mut Vec<Problem>) {
        let effective = |name: &str| {
            let written = values.iter().find(|(n, _)| &**n == name).map(|(_, value)| value.clone());
            written.or_else(|| current.and_then(|seen| seen.get(name)).map(|value| value.to_string()))
        };
        let written = |name: &str| values.iter().any(|(n, _)| &**n == name);
        if let Some((_, owner)) = values.iter().find(|(name, _)| &**name == "hubspot_owner_id")
            && !owner.is_empty()
            && !self.owners.iter().any(|each| each.id.to_string() == *owner)
        {
            let message = format!("{owner} was not one of the allowed options: no such owner");
            problems.push(Problem::new("hubspot_owner_id", "INVALID_OPTION", message));
        }
        let (pipeline_name, stage_name) = match kind {
            Kind::Deal => ("pipeline", "dealstage"),
            Kind::Ticket | Kind::Lead => ("hs_pipeline", "hs_pipeline_stage"),
            _ => return,
        };
        if !written(pipeline_name) && !written(stage_name) {
            return;
        }
        let wanted = effective(pipeline_name).unwrap_or_default();
        let Some(pipeline) = self.pipelines(kind).iter().find(|pipeline| pipeline.id == wanted) else {
            let ids: Vec<&str> = self.pipelines(kind).iter().map(|pipeline| pipeline.id.as_str()).collect();
            let message = format!("{wanted} was not one of the allowed options: [{}]", ids.join(", "));
            problems.push(Problem::new(pipeline_name, "INVALID_OPTION", message));
            return;
        };
        let stage = effective(stage_name).unwrap_or_default();
        if pipeline.stage(&stage).is_none() {
            let ids: Vec<&str> = pipeline.stages.iter().map(|stage| stage.id.as_str()).collect();
            let message = format!("{stage} was not one of the allowed options: [{}]", ids.join(", "));
            problems.push(Problem::new(stage_name, "INVALID_OPTION", message));
        }
    }

    fn check_required_by_rule(
        &self,
        kind: Kind,
        current: Option<Seen<'_>>,
        values: &Values,
        problems: &mut Vec<Problem>,
    ) {
        let effective = |name: &str| {
            let written = values.iter().find(|(n, _)| &**n == name).map(|(_, value)| value.clone());
            written.or_else(|| current.and_then(|seen| seen.get(name)).map(|v| v.to_string())).unwrap_or_default()
        };
        for rule in self.knobs.required.iter().filter(|rule| Kind::parse(&rule.object) == Some(kind)) {
            let applies = rule.when.as_ref().is_none_or(|when| effective(&when.property) == when.value);
            if applies && effective(&rule.property).is_empty() {
                let message = format!("{} is required", rule.property);
                problems.push(Problem::new(&rule.property, "REQUIRED_PROPERTY", message));
            }
        }
    }

    /// What must be there when a record is made.
    pub fn check_required(&self, kind: Kind, values: &Values) -> Result<(), Refusal> {
        let given = |name: &str| values.iter().any(|(n, value)| &**n == name && !value.is_empty());
        let all_of: &[&str] = match kind {
            Kind::Deal => &["dealname", "dealstage", "pipeline"],
            Kind::Ticket => &["subject", "hs_pipeline", "hs_pipeline_stage"],
            Kind::Lead => &["hs_lead_name"],
            Kind::Email => &["hs_timestamp", "hs_email_direction"],
            Kind::Note | Kind::Task | Kind::Call | Kind::Meeting => &["hs_timestamp"],
            Kind::Contact | Kind::Company | Kind::LineItem => &[],
        };
        let missing: Vec<&str> = all_of.iter().filter(|name| !given(name)).copied().collect();
        if !missing.is_empty() {
            return Err(missing_properties(&missing));
        }
        let one_of: &[&str] = match kind {
            Kind::Contact => &["email", "firstname", "lastname"],
            Kind::Company => &["name", "domain"],
            _ => return Ok(()),
        };
        if one_of.iter().any(|name| given(name)) { Ok(()) } else { Err(missing_properties(one_of)) }
    }

    /// Values of unique properties that another record holds already.
    pub fn check_unique(&self, kind: Kind, id: Option<u64>, values: &Values) -> Result<(), Refusal> {
        let (schema, table) = (self.schema(kind), self.table(kind));
        for (name, value) in values {
            if value.is_empty() || !schema.get(name).is_some_and(|property| property.unique) {
                continue;
            }
            let Some(owner) = table.holder(&self.people, name, value).filter(|owner| Some(*owner) != id) else {
                continue;
            };
            return Err(match id {
                None if kind == Kind::Contact && &**name == "email" => Refusal::contact_exists(owner),
                _ => Refusal::value_taken(kind.singular(), name, value, id.unwrap_or(owner + 1), owner),
            });
        }
        Ok(())
    }
}

fn missing_properties(names: &[&str]) -> Refusal {
    let list = names.join(", ");
    let problems: Vec<Problem> =
        names.iter().map(|name| Problem::new(name, "REQUIRED_PROPERTY", format!("{name} is required"))).collect();
    let errors = Refusal::invalid_values(&problems).errors;
    Refusal {
        errors,
        ..Refusal::validation(format!("Error creating record. Some required properties were not set: {list}"))
    }
}

/// A lifecycle stage never moves back by API: the value is dropped from the write, and nobody is told.
fn hold_lifecycle(current: Option<Seen<'_>>, values: &mut Values) {
    let Some(held) = current.and_then(|seen| seen.get("lifecyclestage")) else { return };
    values.retain(|(name, value)| {
        if &**name != "lifecyclestage" || value.is_empty() {
            return true;
        }
        match (lifecycle_rank(value), lifecycle_rank(&held)) {
            (Some(wanted), Some(now)) => wanted >= now,
            _ => true,
        }
    });
}
