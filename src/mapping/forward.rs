//! Stages of a lifecycle at a CRM: what is written only ever goes forward (`cdp-semantics` §8).

use connector::Value;

use super::ValueMap;

/// The trait whose values are stages.
pub const LIFECYCLE: &str = "lifecycle";

/// Every stage from first to last, under the names that CRMs give it.
const STAGES: [&[&str]; 7] = [
    &["subscriber"],
    &["lead"],
    &["mql", "marketingqualifiedlead"],
    &["sql", "salesqualifiedlead"],
    &["opportunity"],
    &["customer"],
    &["evangelist"],
];

/// Whether a value at the CRM stands where it is, rather than go back to `to`. What is no stage we know is a stage of theirs,
/// and not ours to leave.
pub fn stays(map: Option<&ValueMap>, crm: &Value, to: &Value) -> bool {
    if crm.is_null() {
        return false;
    }
    match (stage(map, crm), stage(map, to)) {
        (None, _) => true,
        (Some(there), Some(ours)) => there >= ours,
        (Some(_), None) => false,
    }
}

/// How far a stage is, as the CRM names it.
fn stage(map: Option<&ValueMap>, value: &Value) -> Option<usize> {
    let named = |value: &Value| {
        let text = value.as_text()?;
        STAGES.iter().position(|names| names.iter().any(|name| name.eq_ignore_ascii_case(text)))
    };
    map.and_then(|map| named(&map.backward(value))).or_else(|| named(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_goes_forward_or_stays() {
        let map = ValueMap {
            pairs: vec![("mql".into(), "marketingqualifiedlead".into()), ("customer".into(), "Closed - Won".into())],
            other: None,
        };
        let cases = [
            ("", "lead", false),
            ("lead", "marketingqualifiedlead", false),
            ("marketingqualifiedlead", "lead", true),
            ("salesqualifiedlead", "marketingqualifiedlead", true),
            ("salesqualifiedlead", "Closed - Won", false),
            ("Closed - Won", "opportunity", true),
            ("Evangelist", "Closed - Won", true),
            ("partner", "Closed - Won", true),
        ];
        for (crm, to, stands) in cases {
            let crm = if crm.is_empty() { Value::Null } else { Value::from(crm) };
            assert_eq!(stays(Some(&map), &crm, &Value::from(to)), stands, "{crm} → {to}");
        }
    }
}
