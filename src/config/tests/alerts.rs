//! What can be wrong with `[alerts]`, and what one comes to.

use std::path::Path;

use super::codes::check;
use crate::activation::AlertKind;
use crate::config::{AlertAddress, Overrides, parse};

const RIGHT: &str = "[alerts]\nto = [\"ops\"]\non = [\"no_events\", \"sla_breach\"]\n[alerts.channel.ops]\nwebhook = { env = \"OPS\" }\n";

fn with(from: &str, to: &str) -> String {
    RIGHT.replacen(from, to, 1)
}

#[test]
fn a_channel_is_named_and_goes_where_it_may() {
    let cases: Vec<(String, &str)> = vec![
        (with("sla_breach", "sla_breech"), "E006 3:6 alert \"sla_breech\" is not valid | did you mean \"sla_breach\"?"),
        (with("to = [\"ops\"]", "to = [\"opps\"]"), "E006 2:6 there is no channel \"opps\" | did you mean \"ops\"?"),
        (
            with("webhook = { env = \"OPS\" }", "webhook = \"https://hooks.chat.example/x\""),
            "E020 5:11 `webhook` looks like a secret written in the file",
        ),
        (
            with("webhook = { env = \"OPS\" }", "url = \"http://hooks.acme.example/x\""),
            "E013 5:7 `url` must be https, or http to a loopback address",
        ),
        (
            with("webhook = { env = \"OPS\" }", "timeout = \"5s\""),
            "E005 4:17 missing `webhook` in `[alerts.channel.ops]`",
        ),
        (
            with("webhook = ", "url = \"https://hooks.acme.example/x\"\nwebhook = "),
            "E005 4:17 both `webhook` and `url` in `[alerts.channel.ops]`",
        ),
        (with("webhook = ", "timeout = \"5m\"\nwebhook = "), "E006 5:11 `timeout` is at most 60s"),
        ("[alerts]\nmin_interval = \"1h\"\n".to_owned(), "E005 1:2 `[alerts]` has no channel"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(text, want)| (text.as_str(), *want)).collect();
    check(&cases);
}

#[test]
fn without_more_every_channel_is_told_of_everything() {
    let read = |text: &str| parse("sync.toml", text, Path::new(""), &Overrides::none()).unwrap().settings.alerts;
    let [one] = read(RIGHT).try_into().unwrap();
    assert_eq!(one.on, [AlertKind::NoEvents, AlertKind::SlaBreach]);
    assert!(matches!(one.address, AlertAddress::Secret(_)) && one.secret.is_none());
    let two = read(
        "[alerts]\n[alerts.channel.ops]\nurl = \"https://a.example/x\"\n[alerts.channel.chat]\nwebhook = { env = \"C\" }\n",
    );
    assert_eq!(two.iter().map(|one| &*one.name).collect::<Vec<_>>(), ["ops", "chat"]);
    assert!(two.iter().all(|one| one.on.len() == AlertKind::NAMES.len() && one.min_interval.as_secs() == 1_800));
    let named = read(&with("to = [\"ops\"]\n", "to = \"ops\"\n"));
    assert_eq!(named.len(), 1);
}
