//! `ferry check --live`: the configuration held against what each CRM really is: reachable, whose account, which fields, of
//! which type, writable or not. Reads only.

use connector::{FieldKind, FieldSpec, ReadKey, ReadRequest, Schema};
use serde::Serialize;

use crate::app::{Connection, ListTrouble};
use crate::cli::clean;
use crate::cli::terminal::{Terminal, Tone};
use crate::enrich::{REASONS_LENGTH, SCORE_REASONS};
use crate::mapping::{FieldMapping, Kind, ObjectMapping, Source};

/// What one connection answered.
#[derive(Debug, Serialize)]
pub struct Looked {
    pub connection: String,
    /// The account's id at the CRM; null if it could not be reached.
    pub account: Option<String>,
    pub currency: Option<String>,
    pub timezone: Option<String>,
    /// The daily quota: calls used and allowed, as far as the CRM says.
    pub calls_used: Option<u64>,
    pub calls_limit: Option<u64>,
    pub findings: Vec<Finding>,
}

/// One disagreement. The codes continue those of `sync.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

/// Reaches one CRM. A connection that cannot be reached is a finding like any other: all are looked at.
pub async fn look(connection: &Connection) -> Looked {
    let connector = &connection.connector;
    let mut looked = Looked {
        connection: connection.name().to_string(),
        account: None,
        currency: None,
        timezone: None,
        calls_used: None,
        calls_limit: None,
        findings: Vec::new(),
    };
    match connector.check().await {
        Ok(account) => {
            looked.account = Some(account.id.to_string());
            looked.currency = account.currency.as_deref().map(str::to_owned);
            looked.timezone = account.timezone.as_deref().map(str::to_owned);
        }
        Err(error) => {
            looked.findings.push(of_error(&error));
            return looked;
        }
    }
    for mapping in connection.settings.objects.iter().filter(|mapping| !mapping.fields.is_empty()) {
        match connector.describe(&mapping.object).await {
            Ok(schema) => looked.findings.extend(compare(mapping, &schema)),
            Err(error) => looked.findings.push(of_error(&error)),
        }
    }
    // The fields may be open to a credential that must not see the records: one look at a record shows a missing scope.
    for mapping in connection.settings.objects.iter().filter(|one| connector.capability().objects.contains(&one.object))
    {
        let by = ReadKey::Ids(vec!["1".into()]);
        let request = ReadRequest { object: mapping.object.clone(), fields: Vec::new(), by };
        if let Err(error) = connector.read(&request).await {
            let finding = of_error(&error);
            if looked.findings.iter().all(|known| known.help != finding.help) {
                looked.findings.push(finding);
            }
        }
    }
    match connection.look_at_lists().await {
        Ok(troubles) => looked.findings.extend(troubles.iter().map(of_list)),
        Err(error) => looked.findings.push(of_error(&error)),
    }
    let pool = connector.budget().daily;
    looked.calls_used = pool.as_ref().map(|pool| pool.used);
    looked.calls_limit = pool.as_ref().map(|pool| pool.limit);
    looked
}

fn of_list(trouble: &ListTrouble) -> Finding {
    let message = match &trouble.why {
        Some(why) => format!("nobody can be put on list {} ({}): {why}", trouble.list, trouble.object),
        None => format!("the CRM has no list {} of {} records", trouble.list, trouble.object),
    };
    Finding { code: "E098", message, help: "name another list in `push_list`, or make one at the CRM".to_owned() }
}

fn of_error(error: &connector::Error) -> Finding {
    let text = error.to_string();
    let code = match error.kind {
        // A secret that could not be read says itself which way.
        connector::ErrorKind::Config if text.ends_with("(E021)") => "E021",
        connector::ErrorKind::Config if text.ends_with("(E022)") => "E022",
        connector::ErrorKind::Config if text.ends_with("(E023)") => "E023",
        connector::ErrorKind::Auth | connector::ErrorKind::Forbidden => "E095",
        _ => "E097",
    };
    let help = error.fix.clone().unwrap_or_else(|| {
        match error.kind {
            connector::ErrorKind::Transient => {
                "try again; if it stays, is the address in sync.toml right, and can this machine reach it?"
            }
            _ => "try again; `-v` says more",
        }
        .to_owned()
    });
    Finding { code, message: text, help }
}

/// Every mapped field held against the CRM's own definition.
pub fn compare(mapping: &ObjectMapping, schema: &Schema) -> Vec<Finding> {
    mapping.fields.iter().filter_map(|one| of_field(mapping, one, schema)).collect()
}

fn of_field(mapping: &ObjectMapping, one: &FieldMapping, schema: &Schema) -> Option<Finding> {
    let name = format!("{}.{}", mapping.object, one.field);
    let line = mapping.line(one);
    let Some(spec) = schema.fields.get(&one.field) else {
        let near = schema.fields.keys().map(|have| (strsim::damerau_levenshtein(have, &one.field), have)).min();
        let help = match near {
            Some((distance, have)) if distance <= 2 => format!("did you mean {have}?"),
            _ => "create it at the CRM; `ferry fields --create` makes Ferry's own".to_owned(),
        };
        return Some(Finding { code: "E090", message: format!("the CRM has no field {name} ({line})"), help });
    };
    if one.direction.pushes() && !spec.writable {
        let message = format!("field {name} is read-only for this credential ({line})");
        return Some(Finding { code: "E091", message, help: "map it with direction = \"pull\"".to_owned() });
    }
    if one.direction.pushes() && !fits(one.kind, spec) {
        let message = format!("{} is {}, {name} is {} ({line})", one.attribute, one.kind.word(), spec.kind.word());
        return Some(Finding { code: "E093", message, help: "map it to a field of that kind".to_owned() });
    }
    if !one.direction.pushes() {
        return None;
    }
    missing_option(one, spec, &name, &line).or_else(|| too_short(one, spec, &name, &line))
}

/// A value that the mapping's `map` gives and that the field's list does not have.
fn missing_option(one: &FieldMapping, spec: &FieldSpec, name: &str, line: &str) -> Option<Finding> {
    let (FieldKind::Choice { options } | FieldKind::MultiChoice { options }) = &spec.kind else { return None };
    let map = one.map.as_ref().filter(|_| !options.is_empty())?;
    let given = map.pairs.iter().map(|(_, crm)| crm).chain(&map.other);
    let missing: Vec<&str> = given.filter(|value| !options.contains(value)).map(|value| &**value).collect();
    let first = missing.first()?;
    let message = format!("{name} is a choice without value \"{first}\" ({line})");
    let shown: Vec<&str> = options.iter().take(8).map(|option| &**option).collect();
    Some(Finding { code: "E092", message, help: format!("add {}; it has: {}", missing.join(", "), shown.join(", ")) })
}

/// A text of known length that the field would not take.
fn too_short(one: &FieldMapping, spec: &FieldSpec, name: &str, line: &str) -> Option<Finding> {
    let most = spec.max_length?;
    let longest = match one.source {
        Source::ProfileId => PROFILE_ID_LENGTH,
        _ if &*one.attribute == SCORE_REASONS => REASONS_LENGTH,
        _ => one.max_length?,
    };
    let longest = one.max_length.map_or(longest, |cut| cut.min(longest));
    (longest > most).then(|| Finding {
        code: "E096",
        message: format!("text \"{}\" (up to {longest}) is longer than {name} ({most}) ({line})", one.attribute),
        help: "lengthen the field at the CRM or set max_length".to_owned(),
    })
}

/// A UUID as text.
const PROFILE_ID_LENGTH: u32 = 36;

/// Whether a field can hold values of a kind. Text holds anything; what the connector does not know is left to the CRM.
fn fits(kind: Kind, spec: &FieldSpec) -> bool {
    match &spec.kind {
        FieldKind::Text | FieldKind::Other(_) | FieldKind::Reference => true,
        FieldKind::Choice { .. } | FieldKind::MultiChoice { .. } => {
            matches!(kind, Kind::Text | Kind::List | Kind::Bool)
        }
        FieldKind::Integer | FieldKind::Decimal { .. } => matches!(kind, Kind::Integer | Kind::Number),
        FieldKind::Bool => kind == Kind::Bool,
        FieldKind::Date => matches!(kind, Kind::Date | Kind::Instant),
        FieldKind::Instant => matches!(kind, Kind::Instant | Kind::Date),
    }
}

pub fn print(looked: &[Looked], terminal: &Terminal) {
    for one in looked {
        let name = terminal.paint(Tone::Heading, &one.connection);
        match &one.account {
            Some(account) => {
                let quota = match (one.calls_used, one.calls_limit) {
                    (Some(used), Some(limit)) => format!(", {used} of {limit} daily calls used"),
                    _ => String::new(),
                };
                let reached = terminal.paint(Tone::Good, "reached");
                terminal.say(format!("{name}: {reached} account {}{quota}", clean::line(account)));
            }
            None => terminal.say(format!("{name}: {}", terminal.paint(Tone::Bad, "not reached"))),
        }
        for finding in &one.findings {
            let label = terminal.paint(Tone::Bad, &format!("error[{}]:", finding.code));
            terminal.say(format!("  {label} {}", clean::line(&finding.message)));
            terminal.say(terminal.paint(Tone::Quiet, &format!("    = {}", clean::line(&finding.help))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use connector::Object;

    use super::*;
    use crate::mapping::ValueMap;
    use crate::model::{Direction, Rule};

    #[test]
    fn each_disagreement_has_its_code() {
        let spec = |name: &str, kind, writable| {
            let spec =
                FieldSpec { name: name.into(), label: name.into(), kind, writable, unique: false, max_length: None };
            (name.into(), spec)
        };
        let fields = BTreeMap::from([
            spec("phone", FieldKind::Text, true),
            spec("source", FieldKind::Text, false),
            spec("cdp_score", FieldKind::Bool, true),
            spec("origin", FieldKind::Choice { options: vec!["Web".into()] }, true),
            {
                let (name, short) = spec("cdp_why", FieldKind::Text, true);
                (name, FieldSpec { max_length: Some(80), ..short })
            },
        ]);
        let schema = Schema { object: Object::Contact, fields };
        let push = |trait_name: &str, field: &str, kind| {
            FieldMapping::new(trait_name, field, kind, Source::Declared).with(Direction::Push, Rule::CdpWins)
        };
        let mapping = ObjectMapping::new(
            Object::Contact,
            vec![
                push("phone", "phone", Kind::Text),
                push("mobile", "phnoe", Kind::Text),
                push("source", "source", Kind::Text),
                push("score", "cdp_score", Kind::Integer),
                FieldMapping {
                    map: Some(ValueMap { pairs: vec![("google".into(), "Web".into())], other: Some("Other".into()) }),
                    ..push("first_touch_source", "origin", Kind::Text)
                },
                push("score_reasons", "cdp_why", Kind::Text),
                FieldMapping::new("origin", "source", Kind::Text, Source::Declared)
                    .with(Direction::Pull, Rule::CrmWins),
            ],
        );
        let findings = compare(&mapping, &schema);
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["E090", "E091", "E093", "E092", "E096"]);
        assert_eq!(findings[0].help, "did you mean phone?");
    }
}
