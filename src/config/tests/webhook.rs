//! What can be wrong with `[[webhook]]`, and what one comes to.

use std::path::Path;

use super::codes::check;
use crate::config::{Overrides, parse};
use crate::model::{Purpose, TransitionKind};

const RIGHT: &str = "[[webhook]]\nname = \"mailer\"\nurl = \"https://hooks.acme.example/x\"\nsecret = { env = \"S\" }\non = [\"segment:customers\"]\n";

fn with(from: &str, to: &str) -> String {
    format!("preset = \"b2b\"\n{}", RIGHT.replacen(from, to, 1))
}

#[test]
fn a_webhook_names_what_is_there_and_goes_where_it_may() {
    let cases: Vec<(String, &str)> = vec![
        (
            with("segment:customers", "segment:custmers"),
            "E032 6:6 there is no segment \"custmers\" | did you mean \"segment:customers\"?",
        ),
        (with("segment:customers", "band:mqll"), "E032 6:6 there is no band \"mqll\" | did you mean \"band:mql\"?"),
        (
            with("segment:customers", "customers"),
            "E006 6:6 \"customers\" is neither a segment nor a band | did you mean \"segment:customers\"?",
        ),
        (
            with("https://hooks.acme.example/x", "http://hooks.acme.example/x"),
            "E013 4:7 `url` must be https, or http to a loopback address",
        ),
        (
            with("secret = { env = \"S\" }\n", ""),
            "E012 2:1 `secret` is required for `[[webhook]]` \"mailer\": every message is signed",
        ),
        (
            with("secret = { env = \"S\" }", "secret = \"whsec_x\""),
            "E020 5:10 `secret` looks like a secret written in the file",
        ),
        (
            with("on = ", "traits = [\"first_nam\"]\non = "),
            "E030 6:10 unknown trait \"first_nam\" | did you mean \"first_name\"?",
        ),
        (
            with("on = ", "purpose = \"marketting\"\non = "),
            "E082 6:11 purpose \"marketting\" is not valid | did you mean \"marketing\"?",
        ),
        (with("on = ", "timeout = \"5m\"\non = "), "E006 6:11 `timeout` is at most 60s"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(text, want)| (text.as_str(), *want)).collect();
    check(&cases);
}

#[test]
fn short_names_of_bands_are_theirs_in_full_and_marketing_is_asked() {
    let text = with("\"segment:customers\"", "\"segment:*\", \"band:mql\"");
    let settings = parse("sync.toml", &text, Path::new(""), &Overrides::none()).unwrap().settings;
    let [webhook] = settings.webhooks.as_slice() else { panic!("{:?}", settings.webhooks) };
    let subscription = &webhook.subscription;
    assert_eq!(subscription.on, [(TransitionKind::Segment, None), (TransitionKind::Band, Some("lead.mql".into()))]);
    assert_eq!((subscription.purpose, subscription.direction), (Purpose::Marketing, None));
}
