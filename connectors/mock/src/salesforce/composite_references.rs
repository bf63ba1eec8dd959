//! `@{acc.id}` in a composite request: a value out of the answer of an earlier subrequest.

use serde_json::{Map, Value};

/// Answers so far, by reference id.
pub type Answers = Map<String, Value>;

/// Replaces every reference within a value, keys of objects left alone.
///
/// # Errors
/// The reference that leads nowhere, in the vendor's words.
pub fn resolve(value: &Value, answers: &Answers) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => resolve_text(text, answers)?,
        Value::Array(items) => Value::Array(items.iter().map(|item| resolve(item, answers)).collect::<Result<_, _>>()?),
        Value::Object(fields) => {
            let mut resolved = Map::new();
            for (key, field) in fields {
                resolved.insert(key.clone(), resolve(field, answers)?);
            }
            Value::Object(resolved)
        }
        other => other.clone(),
    })
}

/// A text that is one reference becomes the value it names; others have their references written in.
fn resolve_text(text: &str, answers: &Answers) -> Result<Value, String> {
    if let Some(path) = text.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}'))
        && !path.contains('}')
    {
        return look_up(path, answers).cloned();
    }
    Ok(Value::String(resolve_in(text, answers, str::to_owned)?))
}

/// The same for an address; `encode` makes a value fit for one.
pub fn resolve_in(text: &str, answers: &Answers, encode: impl Fn(&str) -> String) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((path, left)) = after.split_once('}') else { break };
        out.push_str(before);
        match look_up(path, answers)? {
            Value::String(found) => out.push_str(&encode(found)),
            found => out.push_str(&encode(&found.to_string())),
        }
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

fn look_up<'a>(path: &str, answers: &'a Answers) -> Result<&'a Value, String> {
    let nothing = |reference: &str| format!("Invalid reference specified. No value for {path} found in {reference}.");
    let mut steps = path.split('.');
    let reference = steps.next().unwrap_or_default();
    let mut found = answers.get(reference).ok_or_else(|| nothing(reference))?;
    for step in steps {
        let (name, indexes) = step.split_once('[').map_or((step, ""), |(name, rest)| (name, rest));
        if !name.is_empty() {
            found = member(found, name).ok_or_else(|| nothing(reference))?;
        }
        for index in indexes.split('[').filter(|part| !part.is_empty()) {
            let at: usize = index.trim_end_matches(']').parse().map_err(|_| nothing(reference))?;
            found = found.get(at).ok_or_else(|| nothing(reference))?;
        }
    }
    if found.is_null() { Err(nothing(reference)) } else { Ok(found) }
}

/// Names are found in any capitals, as field names are.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answers() -> Answers {
        let Value::Object(answers) = json!({ "acc": { "id": "001A" }, "q": { "records": [{ "Id": "003A", "N": 2 }] } })
        else {
            unreachable!("an object")
        };
        answers
    }

    #[test]
    fn whole_and_embedded_references_are_replaced() {
        let body =
            json!({ "AccountId": "@{acc.id}", "Note": "of @{q.records[0].Id}/@{q.records[0].N}", "Keep": [1, "x"] });
        let resolved = resolve(&body, &answers()).unwrap();
        assert_eq!(resolved, json!({ "AccountId": "001A", "Note": "of 003A/2", "Keep": [1, "x"] }));
        assert_eq!(resolve(&json!("@{q.records[0].N}"), &answers()), Ok(json!(2)));
    }

    #[test]
    fn a_reference_to_nothing_is_an_error() {
        for path in ["@{acc.name}", "@{nobody.id}", "@{q.records[1].Id}", "x @{q.records[a].Id}"] {
            let error = resolve(&json!(path), &answers()).unwrap_err();
            assert!(error.starts_with("Invalid reference specified. No value for"), "{error}");
        }
    }

    #[test]
    fn addresses_are_encoded() {
        let made = resolve_in("/a/@{acc.id}/b", &answers(), |text| format!("<{text}>"));
        assert_eq!(made.as_deref(), Ok("/a/<001A>/b"));
    }
}
