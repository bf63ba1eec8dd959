//! `push_list` as people write it, right and wrong.

use super::codes::check;
use super::{MINIMAL, valid};

const SEGMENT: &str = "[segments.hot]\nwhen = 'score_lead >= 50'\n";

fn with(push_list: &str) -> String {
    format!("{MINIMAL}{SEGMENT}push_list = {push_list}\n")
}

fn kept(text: &str) -> Vec<(String, Vec<String>)> {
    let settings = valid(text);
    let lists = settings.connections.iter().flat_map(|connection| &connection.lists);
    lists.map(|kept| (kept.list.to_string(), kept.segments.iter().map(ToString::to_string).collect())).collect()
}

#[test]
fn a_segment_keeps_a_list_and_segments_may_share_one() {
    assert_eq!(kept(&with("{ hubspot = 812 }")), [("812".to_owned(), vec!["hot".to_owned()])]);
    assert_eq!(kept(&with("{ hubspot = \"812\" }")), [("812".to_owned(), vec!["hot".to_owned()])]);
    let shared =
        with("{ hubspot = 812 }") + "[segments.warm]\nwhen = 'score_lead >= 20'\npush_list = { hubspot = 812 }\n";
    assert_eq!(kept(&shared), [("812".to_owned(), vec!["hot".to_owned(), "warm".to_owned()])]);
    assert_eq!(kept(&format!("{MINIMAL}{SEGMENT}")), []);
}

#[test]
fn each_crm_has_its_own_word_for_a_list() {
    let of = |entry: &str, list: &str| {
        let rest = "client_id = \"x\"\nclient_secret = { env = \"S\" }\n";
        format!("preset = \"b2b\"\n[[crm]]\nname = \"c\"\n{entry}\n{rest}{SEGMENT}push_list = {{ c = {list} }}\n")
    };
    let salesforce = "type = \"salesforce\"\nlogin_url = \"https://a.my.salesforce.com\"";
    assert_eq!(
        kept(&of(salesforce, "\"701Hs000001AbCdIAK\"")).first().map(|kept| kept.0.as_str()),
        Some("701Hs000001AbCdIAK")
    );
    let problem = "E006 10:19 \"003Hs000001AbCd\" is not the id of a campaign";
    check(&[
        (&of(salesforce, "\"003Hs000001AbCd\""), problem),
        (&of(salesforce, "812"), "E006 10:19 `c` must be a string, found integer 812"),
    ]);
    let zoho = "type = \"zoho\"\ndata_center = \"eu\"\nrefresh_token = { env = \"R\" }";
    assert_eq!(kept(&of(zoho, "\"vip\"")).first().map(|kept| kept.0.as_str()), Some("vip"));
    check(&[(
        &of(zoho, "\"more than twenty-five letters\""),
        "E006 11:19 \"more than twenty-five letters\" is not the name of a tag",
    )]);
    let dynamics =
        "type = \"dynamics\"\nbase_url = \"https://acme.crm4.dynamics.com/\"\ntenant = \"acme.onmicrosoft.com\"";
    let text = of(dynamics, "\"list\"");
    check(&[(&text, "E006 11:19 Dynamics has no lists that Ferry keeps")]);
}

#[test]
fn what_makes_no_sense_in_a_push_list_is_refused() {
    check(&[
        (
            &with("{ hubspt = 812 }"),
            "E032 12:15 there is no CRM connection \"hubspt\" (`push_list` in `[segments.hot]`) | did you mean `hubspot`?",
        ),
        (&with("812"), "E006 12:13 `push_list` must be a table, found integer 812"),
        (&with("{ hubspot = true }"), "E006 12:25 `hubspot` must be the number of a list, found boolean true"),
        (
            &with("{ hubspot = \"Hot leads\" }"),
            "E006 12:25 a list of HubSpot is called by the number in the address of its page",
        ),
    ]);
}
