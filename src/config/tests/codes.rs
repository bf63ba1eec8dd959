//! Every error code that the file alone can earn: message, place and suggestion.

use super::{MINIMAL, parsed};

/// One problem as `code line:column message | label`.
pub(super) fn problems(text: &str) -> Vec<String> {
    let (errors, warnings) = match parsed(text) {
        Ok(loaded) => (Vec::new(), loaded.warnings),
        Err(failure) => (failure.errors, failure.warnings),
    };
    errors
        .iter()
        .chain(&warnings)
        .map(|problem| {
            let at = problem.place.as_ref().map_or_else(String::new, |place| {
                let at = place.position();
                format!(" {}:{}", at.line, at.column)
            });
            let label = problem.label.as_ref().map_or_else(String::new, |label| format!(" | {label}"));
            format!("{}{at} {}{label}", problem.code, problem.message)
        })
        .collect()
}

pub(super) fn check(cases: &[(&str, &str)]) {
    check_crm(cases, str::to_owned);
}

/// A connection called hubspot with these lines after its head (which are lines 1 to 3).
fn crm(lines: &str) -> String {
    format!("[[crm]]\nname = \"hubspot\"\ntype = \"hubspot\"\n{lines}")
}

/// [`crm`] under the preset, with mappings from line 7 on.
fn mapped(lines: &str) -> String {
    let preset = "preset = \"b2b\"\n".to_owned();
    preset + &crm(&format!("token = {{ env = \"T\" }}\n[crm.fields.contact]\n{lines}"))
}

fn check_crm(cases: &[(&str, &str)], wrap: fn(&str) -> String) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(lines, want)| (problems(&wrap(lines)), want))
        .filter(|(found, want)| found != &[**want])
        .map(|(found, want)| format!("{found:#?} instead of {want}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn syntax_and_keys() {
    check(&[
        ("preset \"b2b\"", "E001 1:8 TOML syntax: key with no value, expected `=`"),
        ("preset = b2b", "E001 1:10 TOML syntax: string values must be quoted, expected literal string"),
        ("preset = \"b2b", "E001 1:14 TOML syntax: invalid basic string, expected `\"`"),
        ("[store]\npath = \"a\"\npath = \"b\"", "E002 3:1 `[store] path` is defined twice (first at sync.toml:2)"),
        ("preset = \"b2b\"\npreset = \"b2b\"", "E002 2:1 `preset` is defined twice (first at sync.toml:1)"),
        ("[store]\npth = \"a\"", "E003 2:1 unknown key `pth` in `[store]` | did you mean `path`?"),
        ("timezon = \"UTC\"", "E003 1:1 unknown key `timezon` outside of any section | did you mean `timezone`?"),
        ("[scoring]\nx = 1", "E004 1:2 unknown section `[scoring]` | did you mean `[scores]`?"),
        ("[stor]\nx = 1", "E004 1:2 unknown section `[stor]` | did you mean `[store]`?"),
        ("preset = 1", "E006 1:10 `preset` must be a string, found integer 1"),
        ("store = 1", "E006 1:9 `store` must be a table, found integer 1"),
        ("crm = { name = \"a\" }", "E006 1:7 `crm` must be an array of tables, found table"),
        ("[admin]\nlisten = \"8788\"", "E006 2:10 \"8788\" is not an address to listen on"),
        ("preset = \"b2c\"", "E007 1:10 `preset = \"b2c\"` is not a preset | did you mean \"b2b\"?"),
        ("[server]\ntrusted_proxies = [\"10.0.0.1/8\"]", "E006 2:19 \"10.0.0.1/8\" is no range of addresses"),
        ("[server]\nown_domains = [\"acme\"]", "E006 2:15 \"acme\" is not a domain"),
    ]);
}

#[test]
fn what_is_not_in_this_version_is_refused_by_name() {
    check(&[
        ("include = [\"a\"]", "E008 1:1 `include` is not in this version"),
        ("[store]\nbackup = { keep = 7 }", "E008 2:1 `backup` in `[store]` is not in this version"),
        ("[server]\nadmin_token = []", "E008 2:1 `admin_token` in `[server]` is not in this version"),
    ]);
    let cases = [
        ("pull_deals = { closed = false }", "E008 5:16 pulling only open deals is not in this version"),
        ("create = { company = \"known\" }", "E008 5:12 `company` in `[crm.create]` is not in this version"),
        ("create = { lead_object = true }", "E006 5:12 `lead_object` needs `[routing]`: a lead object is somebody's"),
        ("create = { lead = \"known\" }", "E003 5:12 unknown key `lead` in `[crm.create]`"),
        ("create = { contact = \"knwn\" }", "E006 5:22 contact \"knwn\" is not valid | did you mean \"known\"?"),
        (
            "match = { contact = [\"email\"] }",
            "E008 5:21 another order of `contact` than [\"link\", \"cdp_profile_id\", \"email\"] is not in this version",
        ),
        ("match = { on_duplicate = \"newest\" }", "E008 5:26 `on_duplicate = \"newest\"` is not in this version"),
        ("[crm.fields.lead]\nemail = \"Email\"", "E008 5:13 `lead` in `[crm.fields]` is not in this version"),
        (
            "[crm.fields.contact]\nsegments.mql = \"cdp_mql\"",
            "E030 6:1 unknown trait \"segments\" in `[crm.fields.contact]`",
        ),
        (
            "[crm.fields.company]\nname = { field = \"name\", direction = \"push\" }",
            "E008 6:38 direction \"push\" in `[crm.fields.company]` is not in this version",
        ),
    ];
    check_crm(&cases, |lines| crm(&format!("token = {{ env = \"T\" }}\n{lines}")));
}

#[test]
fn sources_and_connections() {
    check(&[
        ("[[crm]]\nname = \"hubspot\"", "E005 1:1 missing `type` in `[[crm]]` \"hubspot\""),
        ("[[source]]\ntype = \"jsonl\"", "E005 1:1 missing `name` in `[[source]]`"),
        ("[[source]]\nname = \"Web Site\"\ntype = \"jsonl\"", "E006 2:8 \"Web Site\" is not a name"),
        (
            "[[source]]\nname = \"a\"\ntype = \"jsonl\"\n[[source]]\nname = \"a\"\ntype = \"jsonl\"",
            "E010 5:8 two sources are called \"a\" (also at 2:8)",
        ),
        (
            "[[crm]]\nname = \"h\"\ntype = \"hubspt\"",
            "E011 3:8 unknown CRM type \"hubspt\" | did you mean \"hubspot\"?",
        ),
        (
            "[[source]]\nname = \"w\"\ntype = \"json\"",
            "E011 3:8 unknown source type \"json\" | did you mean \"jsonl\"?",
        ),
        ("[[source]]\nname = \"w\"", "E012 1:1 `write_key` is required for `[[source]]` \"w\", which sends over HTTP"),
        (
            "[[source]]\nname = \"w\"\nwrite_key = \"abc\"",
            "E020 3:13 `write_key` looks like a secret written in the file",
        ),
        (
            "[[source]]\nname = \"w\"\nwrite_key = { env = \"K\" }\nrate_limit = \"fast\"",
            "E006 4:14 `rate_limit` must be how many in a second, like \"200/s\", found string",
        ),
        (
            "[[source]]\nname = \"w\"\nwrite_key = { env = \"K\" }\n[[source]]\nname = \"x\"\nwrite_key = { env = \"K\" }",
            "E024 4:1 the sources \"w\" and `[[source]]` \"x\" share one write key",
        ),
        (
            "[server]\nmax_request = \"4.5 parsecs\"",
            "E006 2:15 `max_request` must be a size, like \"32KB\" or \"4.5MB\", found string",
        ),
        (
            "[server]\npublic_url = \"events.acme.example\"",
            "E006 2:14 `public_url` must be a web address without a path, like \"https://events.acme.example\", found string",
        ),
        (
            "[admin]\nlisten = \"0.0.0.0:80\"",
            "E012 1:1 `token` is required where `[admin] listen` is not a loopback address",
        ),
    ]);
    let cases = [
        ("", "E012 1:1 `token` is required for type \"hubspot\""),
        (
            "token = { env = \"T\" }\nclient_id = \"c\"",
            "E012 5:1 `token` and `client_id` are both set in `[[crm]]` \"hubspot\"",
        ),
        (
            "client_id = \"c\"\nclient_secret = { env = \"S\" }",
            "E012 4:1 `refresh_token` is required beside `client_id` for type \"hubspot\"",
        ),
        (
            "token = { env = \"T\" }\nbase_url = \"http://crm.example\"",
            "E013 5:12 `base_url` must be https, or http to a loopback address",
        ),
        (
            "token = { env = \"T\" }\nbase_url = \"https://me:secret@crm.example\"",
            "E013 5:12 `base_url` must not hold a user or password",
        ),
        ("token = { env = \"T\" }\nfixture = \"x\"", "E003 5:1 unknown key `fixture` in `[[crm]]` \"hubspot\""),
        (
            "token = { env = \"T\" }\nbase-url = \"x\"",
            "E003 5:1 unknown key `base-url` in `[[crm]]` \"hubspot\" | did you mean `base_url`?",
        ),
        (
            "token = { env = \"T\" }\nmode = \"pull-only\"",
            "E006 5:8 mode \"pull-only\" is not valid | did you mean \"pull_only\"?",
        ),
        ("token = { env = \"T\" }\napi_budget = 20000", "E006 5:14 `api_budget` must be a string, found integer 20000"),
        (
            "token = { env = \"T\" }\napi_version = \"2026-9\"",
            "E006 5:15 api_version \"2026-9\" is not valid | did you mean \"2026-09\"?",
        ),
    ];
    check_crm(&cases, crm);
}

#[test]
fn secrets() {
    let cases = [
        ("token = \"hunter2\"", "E020 4:9 `token` looks like a secret written in the file"),
        ("token = { env = \"not a name\" }", "E020 4:17 `env` is not the name of an environment variable"),
        ("token = { value = \"hunter2\" }", "E003 4:11 unknown key `value` in `token`"),
        ("token = { enf = \"T\" }", "E003 4:11 unknown key `enf` in `token` | did you mean `env`?"),
        ("token = { env = \"A\", file = \"b\" }", "E006 4:9 `token` must say one place where the secret is"),
        ("token = 12345", "E006 4:9 `token` must be a reference to a secret, found integer 12345"),
    ];
    check_crm(&cases, crm);
    for line in [
        "token = \"hunter2\"",
        "tokn = \"hunter2\"",
        "token = \"\"\"\nhunter2\"\"\"",
        "token = \"hunter2",
        "token = hunter2",
    ] {
        let failure = parsed(&crm(line)).unwrap_err();
        assert!(!failure.to_string().contains("hunter2"), "{failure}");
        assert!(!format!("{failure:?}").contains("hunter2"), "not in a log either: {line}");
    }
}

#[test]
fn mappings() {
    let cases = [
        (
            "vists_30d = \"x\"",
            "E030 7:1 unknown trait \"vists_30d\" in `[crm.fields.contact]` | did you mean \"visits_30d\"?",
        ),
        (
            "email = { field = \"email\", direction = \"pul\" }",
            "E040 7:40 direction \"pul\" is not valid | did you mean \"pull\"?",
        ),
        (
            "email = { field = \"e\", conflict = \"crm-wins\" }",
            "E041 7:35 conflict rule \"crm-wins\" is not valid | did you mean \"crm_wins\"?",
        ),
        (
            "visits_30d = { field = \"v\", direction = \"both\" }",
            "E042 7:41 computed trait \"visits_30d\" cannot be pulled",
        ),
        (
            "profile_id = { field = \"v\", direction = \"pull\" }",
            "E042 7:41 the profile's id \"profile_id\" cannot be pulled",
        ),
        ("city = \"x\"\nstate = \"x\"", "E043 8:1 field \"x\" is written by two mappings (7:1, 8:1)"),
        (
            "title = { field = \"t\", conflict = \"max\" }",
            "E044 7:35 conflict = \"max\" needs numbers or dates; \"title\" is text",
        ),
        (
            "phone = { field = \"p\", transform = \"e146\" }",
            "E045 7:36 transform \"e146\" is unknown | did you mean \"e164\"?",
        ),
        (
            "phone = { field = \"p\", transform = [\"trim\", \"truncate(x)\"] }",
            "E045 7:45 transform \"truncate(x)\" is unknown",
        ),
        (
            "city = { field = \"c\", map = { a = \"x\", b = \"x\" } }",
            "E046 7:29 `map` for a both-way field must be reversible: \"a\" and \"b\" both become \"x\"",
        ),
        (
            "city = { field = \"c\", map = { a = \"x\", \"*\" = \"y\" } }",
            "E046 7:29 `map` for a both-way field must be reversible: \"*\" has no way back",
        ),
        (
            "email = { field = \"e\", transform = \"hash_sha256\" }",
            "E046 7:36 `transform` for a both-way field must leave what it has made as it is",
        ),
        ("email = { conflict = \"newest\" }", "E005 7:1 missing `field` in `email` of `[crm.fields.contact]`"),
        (
            "email = { field = \"e\", rule = \"newest\" }",
            "E003 7:24 unknown key `rule` in `email` of `[crm.fields.contact]`",
        ),
        ("email = 7", "E006 7:9 `email` must be a field's name or a table, found integer 7"),
        (
            "email = { field = \"e\", direction = \"pull\", clear = true }",
            "E040 7:52 `clear` is for fields that are written, and direction is \"pull\"",
        ),
    ];
    check_crm(&cases, mapped);
    let preset = format!("{MINIMAL}[crm.fields.contact]\ncity = \"phone\"\n");
    assert_eq!(
        problems(&preset),
        ["E043 11:1 field \"phone\" is written by two mappings (the preset's `phone`, 11:1)"]
    );
}

#[test]
fn times_and_money() {
    check(&[
        (
            "timezone = \"Europe/Berln\"",
            "E052 1:12 timezone \"Europe/Berln\" is unknown | did you mean \"Europe/Berlin\"?",
        ),
        ("[schedule]\npull = \"*/5 * * *\"", "E050 2:8 cron \"*/5 * * *\" has 4 fields, needs 5"),
        ("[schedule]\npull = \"75 * * * *\"", "E051 2:9 cron minute 75 is out of range 0-59"),
        ("[schedule]\npush = \"5 minutes\"", "E053 2:8 \"5 minutes\" is not a duration | did you mean \"5m\"?"),
        ("[schedule]\njitter = \"5min\"", "E053 2:10 \"5min\" is not a duration | did you mean \"5m\"?"),
        (
            "base_currency = \"EURO\"",
            "E054 1:17 base_currency \"EURO\" is not an ISO 4217 code | did you mean \"EUR\"?",
        ),
        (
            "[currency]\nrates = { USB = 1 }",
            "E054 2:11 currency \"USB\" is not an ISO 4217 code | did you mean \"USD\"?",
        ),
        ("[currency]\nrates = { USD = 0 }", "E006 2:17 `USD` must be a rate above 0, found integer 0"),
        ("[currency]\nrates_file = \"none.csv\"", "E006 2:14 `rates_file` \"none.csv\": entity not found"),
        (
            "[safety]\nmax_update_share = 20",
            "E006 2:20 `max_update_share` must be a share: a number from 0 to 1, or a percentage like \"20%\", found integer 20",
        ),
    ]);
}

#[test]
fn traits() {
    let cases = [
        ("event = \"page\"", "E005 1:1 missing `kind` in `[traits.t]`"),
        ("kind = \"count\"", "E005 1:1 missing `event` in `[traits.t]`"),
        ("kind = \"sum\"\nevent = \"page\"", "E005 1:1 missing `property` in `[traits.t]` of kind \"sum\""),
        (
            "kind = \"count\"\nevent = \"page\"\nproperty = \"a\"",
            "E003 4:1 unknown key `property` in `[traits.t]` of kind \"count\"",
        ),
        ("kind = \"cont\"\nevent = \"page\"", "E006 2:8 kind \"cont\" is not valid | did you mean \"count\"?"),
        ("kind = \"formula\"", "E005 1:1 missing `formula` in `[traits.t]`"),
        (
            "kind = \"formula\"\nformula = \"1\"\nevent = \"page\"",
            "E003 4:1 unknown key `event` in `[traits.t]` of kind \"formula\"",
        ),
        ("kind = \"formula\"\nformula = \"contry\"", "E032 3:12 expression: unknown name \"contry\""),
        (
            "kind = \"formula\"\nformula = \"country + 5\"",
            "E033 3:12 expression: `+` cannot be applied to text `country` and number 5",
        ),
        ("kind = \"formula\"\nformula = \"t + 1\"", "E037 3:11 trait formula cycle: t → t"),
        ("kind = \"formula\"\nformula = \"counts('a')\"", "E035 3:18 expression: unknown function \"counts\""),
        ("kind = \"ratio\"\nevent = \"a\"", "E005 1:1 missing `over` in `[traits.t]` of kind \"ratio\""),
        (
            "kind = \"most_frequent\"\nevent = \"a\"\nproperty = \"b\"\nweights = { c = 2 }",
            "E003 5:13 event \"c\" is not valid | did you mean \"a\"?",
        ),
        ("kind = \"ltv\"\nsource = \"order\"", "E006 3:10 source \"order\" is not valid | did you mean \"orders\"?"),
        ("kind = \"last\"\nevent = \"a\"\nproperty = \"b\"\ntype = \"int\"", "E006 5:8 type \"int\" is not valid"),
        (
            "kind = \"intent_topics\"\ntopics = { a = [\"/\"] }",
            "E006 3:16 `a` must be beginnings of paths (\"/pricing\"), categories or tags, found array",
        ),
        ("kind = \"health\"\nwindow = \"3d\"", "E003 3:1 unknown key `window` in `[traits.t]` of kind \"health\""),
        (
            "kind = \"count\"\nevent = \"page\"\nwindow = \"30 days\"",
            "E053 4:10 \"30 days\" is not a duration | did you mean \"30d\"?",
        ),
        ("kind = \"count\"\nevent = []", "E006 3:9 `event` must be the name of an event, or several, found array"),
        (
            "kind = \"count\"\nevent = \"pages\"",
            "W106 3:9 event \"pages\" is a track event of that name | did you mean \"page\"?",
        ),
    ];
    check_crm(&cases, |lines| format!("[traits.t]\n{lines}"));
    check(&[
        (
            "[traits.email]\nkind = \"count\"\nevent = \"page\"",
            "E010 1:9 two traits are called \"email\": one is built in",
        ),
        (
            "[traits.score_x]\nkind = \"count\"\nevent = \"page\"",
            "E010 1:9 two traits are called \"score_x\": one is built in",
        ),
        ("[traits.\"a b\"]\nkind = \"count\"\nevent = \"page\"", "E006 1:9 \"a b\" is not a name"),
    ]);
    let text = format!(
        "[traits.t]\nkind = 1\nevent = \"page\"\n{}",
        crm("token = { env = \"T\" }\nfields = { contact = { t = \"x\" } }")
    );
    assert_eq!(problems(&text).len(), 1, "a broken trait is not an unknown one as well");
}

#[test]
fn expressions() {
    for (condition, code, marked) in [
        ("path ==", "E031", "=="),
        ("pathh == 'a'", "E032", "pathh"),
        ("path == 5", "E033", "path == 5"),
        ("path.matches('(')", "E034", "'('"),
        ("paths('a')", "E035", "paths('a')"),
    ] {
        let text = format!("[traits.t]\nkind = \"count\"\nevent = \"page\"\nwhere = \"{condition}\"");
        let failure = parsed(&text).unwrap_err();
        let [problem] = failure.errors.as_slice() else { panic!("{failure}") };
        assert_eq!(problem.code, code, "{failure}");
        let place = problem.place.as_ref().unwrap();
        assert_eq!(place.position().line, 4, "{failure}");
        let found = place.text.slice(&place.span);
        assert!(found.contains(marked) || marked.contains(found), "{failure}");
    }
}

#[test]
fn warnings_do_not_stop_anything() {
    let text = mapped("email = \"email\"").replace("[crm.fields", "create = { contact = \"known\" }\n[crm.fields");
    assert_eq!(
        problems(&text),
        ["W104 6:22 `crm.create.contact = \"known\"` creates a contact for every known person without one"]
    );
}
