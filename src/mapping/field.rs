//! One field mapping: a trait, a CRM field, a direction, a conflict rule.

use std::sync::Arc;

use connector::{FieldName, Value};

use super::{Kind, Transform, Unreadable, ValueMap};
use crate::model::{Direction, Profile, Purpose, Rule, TraitName};

/// Where a mapping's value comes from on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A declared trait: pulled from CRMs, set by identify calls.
    Declared,
    /// A computed trait or score: only pushed.
    Computed,
    /// The profile's id: only pushed.
    ProfileId,
    /// Consent for a purpose: a yes or no at the CRM that is an opt-out where the transform says `not`.
    Consent(Purpose),
    /// The id of the user who owns the record. A matter of the record alone: read and remembered with it, no trait of anybody;
    /// written only by routing.
    Owner,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMapping {
    pub attribute: TraitName,
    pub field: FieldName,
    pub kind: Kind,
    pub source: Source,
    pub direction: Direction,
    pub rule: Rule,
    /// The pipeline, applied to the giving side's value; in a both-way mapping to both (each step is idempotent there).
    pub transforms: Vec<Transform>,
    pub map: Option<ValueMap>,
    /// Whether an empty trait may empty the CRM's field. Off, emptiness never travels to the CRM.
    pub clear: bool,
    /// Text longer than this is cut to it, with an ellipsis. `None`: longer text than the CRM takes is refused.
    pub max_length: Option<u32>,
}

impl FieldMapping {
    /// A mapping with the defaults of its source (`sync-toml` §3, "Mapping short form").
    pub fn new(attribute: impl Into<TraitName>, field: impl Into<FieldName>, kind: Kind, source: Source) -> Self {
        let (direction, rule) = match source {
            Source::Declared => (Direction::Both, Rule::CrmWins),
            Source::Computed | Source::ProfileId => (Direction::Push, Rule::CdpWins),
            Source::Consent(_) => (Direction::Both, Rule::MostRestrictive),
            Source::Owner => (Direction::Pull, Rule::CrmWins),
        };
        Self {
            attribute: attribute.into(),
            field: field.into(),
            kind,
            source,
            direction,
            rule,
            transforms: Vec::new(),
            map: None,
            clear: false,
            max_length: None,
        }
    }

    #[must_use]
    pub fn with(mut self, direction: Direction, rule: Rule) -> Self {
        self.direction = direction;
        self.rule = rule;
        self
    }

    /// `contact.visits_30d → cdp_visits_30d`, the line named in journals, plans and messages.
    pub fn line(&self, object: &str) -> Arc<str> {
        let arrow = match self.direction {
            Direction::Pull => "←",
            Direction::Push => "→",
            Direction::Both => "↔",
        };
        format!("{object}.{} {arrow} {}", self.attribute, self.field).into()
    }

    /// A delivered value as a trait's. A transform that cannot take the value keeps it out ([`Value::Null`] would clear).
    pub fn inbound(&self, delivered: &Value) -> Result<Value, Unreadable> {
        let value = self.canonical(delivered)?;
        Ok(match (&self.map, self.direction) {
            (Some(map), Direction::Both) => map.backward(&value),
            (Some(map), _) => map.forward(&value),
            (None, _) => value,
        })
    }

    /// A delivered value in canonical form: read by kind and, where values flow in, through the transforms.
    pub fn canonical(&self, delivered: &Value) -> Result<Value, Unreadable> {
        if matches!(self.source, Source::Consent(_)) {
            return self.kind.read(delivered);
        }
        // A mapped value is what the CRM calls it; its kind at the CRM is text whatever the trait's is.
        let kind = if self.map.is_some() || self.transforms_change_kind() { self.kind_at_crm() } else { self.kind };
        let value = kind.read(delivered)?;
        if !self.direction.pulls() {
            return Ok(value);
        }
        self.transformed(value.clone()).ok_or_else(|| Unreadable {
            kind,
            found: format!("a value its transform cannot take ({} pipeline)", self.transforms.len()),
        })
    }

    /// A trait's value as it would be written: transformed, mapped, canonical. `None`: a transform cannot take it, so it
    /// stays out.
    pub fn outbound(&self, value: &Value) -> Option<Value> {
        let value = self.kind.read(value).ok()?;
        let value = self.transformed(value)?;
        let value = match &self.map {
            Some(map) if self.direction.pushes() => map.forward(&value),
            _ => value,
        };
        let value = match (&value, self.max_length) {
            (Value::Text(text), Some(most)) => Value::Text(super::transform::truncate(text, most as usize)),
            _ => value,
        };
        self.kind_at_crm().read(&value).ok()
    }

    /// Whether the CRM's value is a stage that must not be left for this one.
    pub fn stays(&self, crm: Option<&Value>, to: &Value) -> bool {
        self.only_goes_forward() && crm.is_some_and(|crm| super::forward::stays(self.map.as_ref(), crm, to))
    }

    /// Whether the field holds stages of a lifecycle, which are left forwards only.
    pub fn only_goes_forward(&self) -> bool {
        *self.attribute == *super::forward::LIFECYCLE
    }

    /// Whether the CRM's value of a consent field grants; `None` where the field is empty.
    pub fn granted(&self, crm: &Value) -> Option<bool> {
        match crm {
            Value::Bool(value) => Some(*value != self.is_opt_out()),
            _ => None,
        }
    }

    /// What the CRM's consent field holds for a yes or a no.
    pub fn as_consent(&self, granted: bool) -> Value {
        Value::Bool(granted != self.is_opt_out())
    }

    /// Whether a yes in the CRM's consent field is a no to us.
    pub fn is_opt_out(&self) -> bool {
        self.transforms.contains(&Transform::Not)
    }

    /// What the CRM's field should hold for this profile, in canonical form; `None` where a transform cannot take the value.
    pub fn desired(&self, profile: &Profile) -> Option<Value> {
        match self.source {
            Source::ProfileId => Some(Value::text(profile.uid.to_string())),
            // What a record and a person tell each other is the person's own word; a company's is only shown.
            Source::Declared if self.direction.pulls() => {
                let own = profile.attributes.get(&self.attribute).map(|own| &own.value);
                self.outbound(own.unwrap_or_else(|| profile.value(&self.attribute)))
            }
            // Decided by what the person has said, not by a trait.
            Source::Consent(_) | Source::Owner => None,
            Source::Declared | Source::Computed => self.outbound(profile.value(&self.attribute)),
        }
    }

    fn transformed(&self, value: Value) -> Option<Value> {
        // Capitals in an address mean nothing, and most CRMs keep small letters: no reason to write it anew.
        let spelt = if &*self.attribute == "email" { Some(&Transform::Lower) } else { None };
        spelt.into_iter().chain(&self.transforms).try_fold(value, |value, transform| transform.apply(&value))
    }

    fn transforms_change_kind(&self) -> bool {
        self.kind_after_transforms() != self.kind
    }

    fn kind_after_transforms(&self) -> Kind {
        self.transforms.iter().fold(self.kind, |kind, transform| match transform {
            Transform::Date => Kind::Date,
            Transform::DateTime => Kind::Instant,
            Transform::Year => Kind::Integer,
            Transform::Split(_) => Kind::List,
            Transform::Join(_) | Transform::First | Transform::Last | Transform::BoolYesNo | Transform::HashSha256 => {
                Kind::Text
            }
            _ => kind,
        })
    }

    /// The kind of the canonical form: what the CRM's field should hold. `check --live` compares it with the schema.
    pub fn kind_at_crm(&self) -> Kind {
        if self.map.is_some() {
            return Kind::Text;
        }
        if matches!(self.source, Source::Consent(_)) {
            return self.kind;
        }
        // Inbound, transforms run on what the CRM holds, so its field holds the trait's kind before them.
        if self.direction == Direction::Pull { self.kind_before_transforms() } else { self.kind_after_transforms() }
    }

    fn kind_before_transforms(&self) -> Kind {
        match self.transforms.first() {
            Some(Transform::Split(_)) => Kind::Text,
            Some(Transform::Join(_) | Transform::First | Transform::Last) => Kind::List,
            Some(Transform::Year | Transform::Date) if self.kind != Kind::Date => Kind::Instant,
            Some(Transform::BoolYesNo | Transform::Not) => Kind::Bool,
            Some(_) | None => self.kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_form_defaults_by_source() {
        let declared = FieldMapping::new("email", "email", Kind::Text, Source::Declared);
        assert_eq!((declared.direction, declared.rule), (Direction::Both, Rule::CrmWins));
        let computed = FieldMapping::new("visits_30d", "cdp_visits_30d", Kind::Integer, Source::Computed);
        assert_eq!((computed.direction, computed.rule), (Direction::Push, Rule::CdpWins));
        assert_eq!(&*computed.line("contact"), "contact.visits_30d → cdp_visits_30d");
    }

    #[test]
    fn both_sides_of_a_both_way_field_meet_in_canonical_form() {
        let mut phone = FieldMapping::new("phone", "phone", Kind::Text, Source::Declared);
        phone.transforms = vec![Transform::E164];
        let theirs = phone.canonical(&"+49 171 1234567".into()).unwrap();
        let ours = phone.outbound(&"+491711234567".into()).unwrap();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn capitals_make_no_other_address() {
        let email = FieldMapping::new("email", "email", Kind::Text, Source::Declared);
        assert_eq!(email.outbound(&"Ada@Acme.example".into()), email.canonical(&"ada@acme.example".into()).ok());
    }

    #[test]
    fn a_push_field_with_a_negation_is_compared_as_written() {
        let mut consent = FieldMapping::new("opted_in", "opted_out", Kind::Bool, Source::Declared)
            .with(Direction::Push, Rule::CdpWins);
        consent.transforms = vec![Transform::Not];
        assert_eq!(consent.outbound(&true.into()), Some(false.into()));
        assert_eq!(consent.canonical(&"false".into()), Ok(false.into()));
    }

    #[test]
    fn maps_turn_towards_the_taking_side() {
        let map = ValueMap { pairs: vec![("google".into(), "Web".into())], other: Some("Other".into()) };
        let mut source = FieldMapping::new("first_touch_source", "lead_source", Kind::Text, Source::Computed);
        source.map = Some(map);
        assert_eq!(source.outbound(&"google".into()), Some("Web".into()));
        let stage = ValueMap { pairs: vec![("Closed Won".into(), "won".into())], other: Some("open".into()) };
        let mut stage_mapping =
            FieldMapping::new("stage", "dealstage", Kind::Text, Source::Declared).with(Direction::Pull, Rule::CrmWins);
        stage_mapping.map = Some(stage);
        assert_eq!(stage_mapping.inbound(&"Closed Won".into()), Ok("won".into()));
        assert_eq!(stage_mapping.inbound(&"Proposal".into()), Ok("open".into()));
    }
}
