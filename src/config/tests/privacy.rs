//! `[privacy]`, right and wrong.

use std::time::Duration;

use connector::{Object, Secret};

use super::{MINIMAL, parsed, valid};
use crate::config::{OnErase, Retention};
use crate::consent::{Policy, StoreIp};
use crate::mapping::Source;
use crate::model::{ConsentDefaults, Direction, Purpose, Rule};

const DAY: Duration = Duration::from_secs(86_400);

fn problems(text: &str) -> Vec<String> {
    let failure = parsed(text).unwrap_err();
    let shown = |problem: &crate::config::Diagnostic| {
        let label = problem.label.clone().unwrap_or_default();
        format!("{} {} {label}", problem.code, problem.message).trim_end().to_owned()
    };
    failure.errors.iter().map(shown).collect()
}

#[test]
fn without_the_section_the_built_in_defaults_hold() {
    let privacy = valid("").privacy;
    assert_eq!(*privacy.consent, Policy::default());
    let kept = Retention { events: DAY * 760, anonymous_profiles: DAY * 395, raw_payloads: None };
    assert_eq!((privacy.retention, privacy.on_erase, privacy.suppression_key), (kept, OnErase::Report, None));
    assert_eq!(parsed(MINIMAL).unwrap().warnings, Vec::new());
}

#[test]
fn the_sample_of_the_manual_is_taken_whole() {
    let privacy = valid(
        r#"
[privacy]
default_consent = { analytics = "granted", marketing = "granted", sales = "denied" }
categories = { Analytics = "analytics", C0004 = "ads" }
double_opt_in = false
honour_gpc = false
store_ip = "none"
retention = { events = "400d", anonymous_profiles = "30d", raw_payloads = "90d" }
on_erase = "clear_fields"
suppression_key = { file = "secrets/suppression.key" }
"#,
    )
    .privacy;
    let policy = Policy {
        defaults: ConsentDefaults { analytics: true, marketing: true, sales: false, ads: false },
        categories: vec![("Analytics".into(), Purpose::Analytics), ("C0004".into(), Purpose::Ads)],
        double_opt_in: false,
        honour_gpc: false,
        store_ip: StoreIp::None,
    };
    assert_eq!(*privacy.consent, policy);
    assert_eq!(privacy.retention.raw_payloads, Some(DAY * 90));
    assert_eq!(privacy.on_erase, OnErase::ClearFields);
    let deletes = "[privacy]\non_erase = \"delete_record\"\n";
    assert_eq!(valid(&format!("{MINIMAL}{deletes}")).privacy.on_erase, OnErase::DeleteRecord);
    assert_eq!(privacy.suppression_key, Some(Secret::File("conf/secrets/suppression.key".into())));
}

#[test]
fn mistakes_are_told_with_what_was_meant() {
    let text = r#"preset = "b2b"
[privacy]
default_consent = { sale = "granted", ads = "maybe" }
categories = { X = "analytcs" }
on_erase = "delete_records"
store_ip = "half"
suppression_key = "k3y"
retention = { events = "20d" }
"#;
    assert_eq!(
        problems(text),
        [
            "E082 consent purpose \"sale\" is unknown did you mean \"sales\"?",
            "E006 default consent \"maybe\" is not valid",
            "E082 consent purpose \"analytcs\" is unknown did you mean \"analytics\"?",
            "E006 on_erase \"delete_records\" is not valid did you mean \"delete_record\"?",
            "E006 store_ip \"half\" is not valid",
            "E020 `suppression_key` looks like a secret written in the file",
            "E083 retention.events 20d is shorter than the longest window in use (30d by trait visits_30d)",
        ]
    );
}

#[test]
fn an_opt_out_is_mapped_like_a_trait_and_always_most_restrictive() {
    let mapped = |line: &str| format!("{MINIMAL}[crm.fields.contact]\n{line}\n");
    for line in [
        r#"consent.email = { field = "optout", transform = "not", conflict = "most_restrictive" }"#,
        r#""consent.email" = { field = "optout", transform = "not" }"#,
    ] {
        let settings = valid(&mapped(line));
        let contact = settings.connections[0].object(&Object::Contact).unwrap();
        let email = contact.of_attribute("consent.email").unwrap();
        assert_eq!((email.direction, email.rule), (Direction::Both, Rule::MostRestrictive));
        assert_eq!(email.source, Source::Consent(Purpose::Marketing));
        assert_eq!((email.granted(&true.into()), email.as_consent(false)), (Some(false), true.into()));
    }
    let wrong = |line: &str| problems(&mapped(line)).join("; ");
    assert!(wrong(r#"consent.emial = "optout""#).starts_with("E082 consent purpose \"emial\" is unknown"));
    assert!(wrong(r#"consent.sales = { field = "x", conflict = "crm_wins" }"#).starts_with("E041"));
    assert!(wrong(r#"consent.sales = { field = "x", transform = "lower" }"#).starts_with("E045"));
}

#[test]
fn where_consent_is_configured_a_connection_without_opt_outs_is_told() {
    let section = "[privacy]\ndouble_opt_in = true\n";
    let codes = |text: &str| parsed(text).unwrap().warnings.iter().map(|problem| problem.code).collect::<Vec<_>>();
    assert_eq!(codes(&format!("{MINIMAL}{section}")), ["W103"]);
    let mapped = "[crm.fields.contact]\nconsent.email = { field = \"x\", direction = \"pull\" }\n";
    assert_eq!(codes(&format!("{MINIMAL}{mapped}{section}")), Vec::<&str>::new());
}
