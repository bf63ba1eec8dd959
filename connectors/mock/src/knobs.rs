//! A face's knobs as the control plane shows and sets them: one JSON object, whatever the vendor.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Every knob by its name, as it is set.
pub fn listed<K: Serialize>(knobs: &K) -> Map<String, Value> {
    match serde_json::to_value(knobs) {
        Ok(Value::Object(knobs)) => knobs,
        _ => Map::new(),
    }
}

/// `knobs` with those of `patch` set; a name that is no knob is an error, so that a typing mistake is not a test of nothing.
pub fn patched<K: Serialize + DeserializeOwned>(knobs: &K, patch: Map<String, Value>) -> Result<K, String> {
    let mut all = listed(knobs);
    for (key, value) in patch {
        if !all.contains_key(&key) {
            return Err(format!("unknown knob `{key}`"));
        }
        all.insert(key, value);
    }
    serde_json::from_value(Value::Object(all)).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Two {
        strict: bool,
        delay_ms: u64,
    }

    fn patch(value: Value) -> Result<Two, String> {
        let Value::Object(patch) = value else { panic!("a patch is an object") };
        patched(&Two { strict: true, delay_ms: 5 }, patch)
    }

    #[test]
    fn knobs_not_named_stay_as_they_were() {
        assert_eq!(patch(json!({ "delay_ms": 7 })), Ok(Two { strict: true, delay_ms: 7 }));
        assert_eq!(patch(json!({ "dealy_ms": 7 })), Err("unknown knob `dealy_ms`".into()));
        assert!(patch(json!({ "strict": "very" })).is_err());
    }
}
