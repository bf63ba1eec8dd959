//! `[crm.digest]` and the schedule's quiet days as people write them, right and wrong.

use chrono_tz::Tz;
use connector::Timestamp;

use super::{parsed, valid};
use crate::config::{DigestPlace, DigestSettings};
use crate::schedule::Trigger;

const HEAD: &str = "preset = \"b2b\"\n[[crm]]\nname = \"hubspot\"\ntype = \"hubspot\"\ntoken = { env = \"TOKEN\" }\n";
const SALESFORCE: &str = "preset = \"b2b\"\n[[crm]]\nname = \"sf\"\ntype = \"salesforce\"\nlogin_url = \"https://a.my.salesforce.com\"\n\
     client_id = \"x\"\nclient_secret = { env = \"S\" }\n";

fn digest(text: &str) -> Option<DigestSettings> {
    valid(text).connections[0].digest.clone()
}

fn problems(text: &str) -> Vec<String> {
    let Err(failure) = parsed(text) else { return Vec::new() };
    failure.errors.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect()
}

#[test]
fn a_digest_is_written_where_somebody_asks_for_it() {
    assert_eq!(digest(HEAD), None);
    assert_eq!(digest(&format!("{HEAD}[crm.digest]\nwrite = \"off\"\n")), None);
    let usual = digest(&format!("{HEAD}[crm.digest]\n")).unwrap();
    assert_eq!(usual.place, DigestPlace::Field("cdp_digest".into()));
    assert_eq!((usual.at, usual.max_activities, usual.daily_budget), (None, 0, 2_000));
    assert_eq!(
        digest(&format!("{SALESFORCE}[crm.digest]\n")).unwrap().place,
        DigestPlace::Field("CDP_Digest__c".into())
    );
    let whole = "[crm.digest]\nwrite = \"note\"\nat = \"07:30\"\nmax_activities_per_day = 1\ndaily_budget = 50\n";
    let said = digest(&format!("{HEAD}{whole}")).unwrap();
    assert_eq!(said.place, DigestPlace::Note);
    assert_eq!((said.max_activities, said.daily_budget, said.cart_over), (1, 50, None));
    let over = digest(&format!("{HEAD}[crm.digest]\nmax_activities_per_day = 1\ncart_over = 500\n")).unwrap().cart_over;
    assert_eq!(over, Some(rust_decimal::Decimal::from(500)));
    assert_eq!(said.at, Trigger::parse("30 7 * * *").ok());
}

#[test]
fn what_makes_no_sense_in_a_digest_is_refused() {
    let of = |lines: &str| problems(&format!("{HEAD}[crm.digest]\n{lines}"));
    assert_eq!(of("cart_over = -1"), ["E006 `cart_over` is at least 0"]);
    assert_eq!(of("write = \"mail\""), ["E006 write \"mail\" is not valid"]);
    assert_eq!(of("at = \"7 o'clock\""), ["E006 \"7 o'clock\" is not a time of day"]);
    assert_eq!(of("max_activities_per_day = 3"), ["E006 `max_activities_per_day` is 0 or 1"]);
    assert_eq!(of("write = \"note\"\nfield = \"x\""), ["E006 `field` is for `write = \"field\"`; a note has no field"]);
    assert_eq!(of("feild = \"x\""), ["E003 unknown key `feild` in `[crm.digest]`"]);
}

#[test]
fn salesforce_has_the_digest_in_a_field() {
    let refused = problems(&format!("{SALESFORCE}[crm.digest]\nwrite = \"note\"\n"));
    assert_eq!(refused, ["E006 Ferry writes no notes at a CRM of type \"salesforce\""]);
}

#[test]
fn jobs_rest_on_quiet_days() {
    let of = |quiet: &str| format!("{HEAD}[schedule]\ndigest = \"0 8 * * 1-5\"\nquiet = {quiet}\n");
    let schedule =
        valid(&of("[{ from = \"2026-12-24\", to = \"2026-12-26\", jobs = [\"digest\", \"push\"] }]")).schedule;
    assert_eq!(Some(schedule.digest.clone()), Trigger::parse("0 8 * * 1-5").ok());
    let zone: Tz = chrono_tz::Europe::Berlin;
    let rests = |job: &str, at: &str| schedule.is_quiet(job, Timestamp::parse_rfc3339(at).unwrap(), zone);
    assert!(rests("digest", "2026-12-24T12:00:00Z") && rests("push", "2026-12-26T22:59:00Z"));
    // Midnight in Berlin is an hour before that of UTC.
    assert!(rests("push", "2026-12-23T23:00:00Z") && !rests("push", "2026-12-26T23:00:00Z"));
    assert!(!rests("pull", "2026-12-24T12:00:00Z"));
    let every = "[\"pull\", \"push\", \"recompute\", \"retention\", \"digest\", \"train\"]";
    let all = valid(&of(&format!("[{{ from = \"2026-12-24\", to = \"2026-12-26\", jobs = {every} }}]"))).schedule;
    let noon = Timestamp::parse_rfc3339("2026-12-24T12:00:00Z").unwrap();
    for job in ["pull", "push", "recompute", "retention", "digest", "train"] {
        assert!(all.is_quiet(job, noon, zone), "{job}");
    }
    assert_eq!(problems(&of("[{ from = \"2026-12-24\", jobs = [\"push\"] }]")), ["E005 missing `to` in `quiet`"]);
    assert_eq!(
        problems(&of("[{ from = \"2026-12-24\", to = \"2026-12-23\", jobs = [\"push\"] }]")),
        ["E006 a quiet window must begin before it ends"]
    );
    assert_eq!(
        problems(&of("[{ from = \"2026-12-24\", to = \"2026-12-24\", jobs = [\"pusch\"] }]")),
        ["E006 job \"pusch\" is not valid"]
    );
}
