//! A whole file of mistakes and the whole answer, as an admin sees it.

use super::parsed;

const FILE: &str = r#"preset = "b2b"
timezone = "Europe/Berln"

[schedule]
pull = "5m"

[renamed]
to = ["ops"]

[[crm]]
name = "hubspot"
type = "hubspt"
token = "pat-na1-11111111-2222-3333-4444-555555555555"

[[crm]]
name = "zweite-säule"
type = "hubspot"
client_id = { env = "ÄÖ" }
"#;

const ANSWER: &str = r#"error[E052]: timezone "Europe/Berln" is unknown
 --> sync.toml:2:12
  |
2 | timezone = "Europe/Berln"
  |            ^^^^^^^^^^^^^^ did you mean "Europe/Berlin"?
  = an IANA name, like "Europe/Berlin" or "UTC"

error[E008]: [renamed] is not in this version
 --> sync.toml:7:2
  |
7 | [renamed]
  |  ^^^^^^^
  = remove it: nothing is accepted and ignored

error[E011]: unknown CRM type "hubspt"
  --> sync.toml:12:8
   |
12 | type = "hubspt"
   |        ^^^^^^^^ did you mean "hubspot"?
   = one of: hubspot, salesforce, dynamics, zoho

error[E006]: "zweite-säule" is not a name
  --> sync.toml:16:8
   |
16 | name = "zweite-säule"
   |        ^^^^^^^^^^^^^^
   = names are a small letter, then up to 39 small letters, digits, `_` or `-`

error[E012]: `client_secret` is required beside `client_id` for type "hubspot"
  --> sync.toml:18:1
   |
18 | client_id = { env = "ÄÖ" }
   | ^^^^^^^^^
   = `client_secret = { env = "HUBSPOT_CLIENT_SECRET" }`

error[E012]: `refresh_token` is required beside `client_id` for type "hubspot"
  --> sync.toml:18:1
   |
18 | client_id = { env = "ÄÖ" }
   | ^^^^^^^^^
   = `refresh_token = { env = "HUBSPOT_REFRESH_TOKEN" }`

error[E020]: `env` is not the name of an environment variable
  --> sync.toml:18:21
   |
18 | client_id = { env = "••" }
   |                     ^^^^
   = letters, digits and `_`, like { env = "CRM_TOKEN" }"#;

#[test]
fn all_problems_are_told_at_once_each_with_its_place() {
    assert_eq!(parsed(FILE).unwrap_err().to_string(), ANSWER);
}

#[test]
fn tools_get_the_same_as_json() {
    let failure = parsed("timezone = \"Europe/Berln\"").unwrap_err();
    let json = serde_json::to_value(failure.errors[0].to_json()).unwrap();
    let want = serde_json::json!({
        "file": "sync.toml",
        "line": 1,
        "column": 12,
        "code": "E052",
        "message": "timezone \"Europe/Berln\" is unknown",
        "help": "did you mean \"Europe/Berlin\"? an IANA name, like \"Europe/Berlin\" or \"UTC\"",
    });
    assert_eq!(json, want);
}
