//! Who works where: groups, CRM accounts and domains, through real imports, pulls and computations.

use connector::{FieldKind, Fields, Object, RecordId, Value};
use connector_conformance::memory::field;
use ferry::config::Vendor;
use ferry::model::RunState;
use ferry::store::{Answer, CompanyDetail, CompanyOf};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::harbour::Harbour;
use crate::world::{World, configured};

/// One line of a file of events.
fn line(message: Json) -> String {
    format!("{message}\n")
}

/// An identify call at a minute of a morning in March.
fn identify(user: &str, minute: u32, traits: Json) -> String {
    line(json!({ "type": "identify", "userId": user, "traits": traits,
                 "timestamp": format!("2026-03-02T08:{minute:02}:00Z") }))
}

fn group(user: &str, minute: u32, group: &str, traits: Json) -> String {
    line(json!({ "type": "group", "userId": user, "groupId": group, "traits": traits,
                 "timestamp": format!("2026-03-02T09:{minute:02}:00Z") }))
}

async fn import(world: &World, lines: &str) {
    let file = world.folder().join("events.jsonl");
    std::fs::write(&file, lines).unwrap();
    let run = world.app.import(&file, "website".into(), &(), &|_| ()).await.unwrap().run;
    assert_eq!(run.state, RunState::Done, "{run:?}");
}

/// A world that has taken these events in and computed.
async fn after(config: &str, lines: &str) -> World {
    let world = World::with(config);
    import(&world, lines).await;
    assert_eq!(world.compute().await.state, RunState::Done);
    world
}

async fn of(app: &ferry::app::App, key: &str) -> CompanyOf {
    let id = app.store.find_profile(key).await.unwrap().unwrap_or_else(|| panic!("no profile {key}"));
    app.store.company_of(id, std::sync::Arc::new(app.settings.company.clone())).await.unwrap()
}

/// `domain:northwind.example by email_domain`, or nothing.
async fn primary(app: &ferry::app::App, key: &str) -> String {
    let company = of(app, key).await.primary;
    company.map_or_else(String::new, |tie| format!("{} by {}", tie.key, tie.why.as_str()))
}

async fn past(app: &ferry::app::App, key: &str) -> Vec<String> {
    of(app, key).await.past.iter().map(|tie| tie.key.to_string()).collect()
}

async fn company(app: &ferry::app::App, key: &str) -> CompanyDetail {
    app.store.company(key, 100).await.unwrap().unwrap_or_else(|| panic!("no company {key}"))
}

const NO_CRM: &str = "timezone = \"UTC\"\n";

/// The worked example's Ada (A5), Bob (B1) and Dana (D1).
#[tokio::test]
async fn colleagues_share_their_domain_and_free_mail_is_no_company() {
    let lines = [
        line(json!({ "type": "track", "event": "Form Submitted", "anonymousId": "a-1",
                     "properties": { "form": "demo" }, "timestamp": "2026-03-04T08:00:00Z" })),
        line(json!({ "type": "identify", "anonymousId": "a-1", "timestamp": "2026-03-04T08:00:01Z",
                     "traits": { "email": "Ada@Northwind.Example ", "firstName": "Ada", "lastName": "Berg",
                                 "title": "VP Operations", "country": "DE", "company": { "employees": 200 } } })),
        line(json!({ "type": "identify", "userId": "u-bob", "timestamp": "2026-03-16T09:00:00Z",
                     "traits": { "email": "bob@northwind.example", "country": "DE", "company": { "employees": 200 } } })),
        line(json!({ "type": "identify", "anonymousId": "a-9", "timestamp": "2026-03-01T20:02:00Z",
                     "traits": { "email": "dana@gmail.com", "country": "AT" } })),
    ];
    let world = after(NO_CRM, &lines.concat()).await;
    for key in ["ada@northwind.example", "bob@northwind.example"] {
        assert_eq!(primary(&world.app, key).await, "domain:northwind.example by email_domain", "{key}");
        assert_eq!(world.trait_of(key, "email_is_business").await, Value::from(true));
        assert_eq!(world.trait_of(key, "company.domain").await, Value::from("northwind.example"));
        assert_eq!(world.trait_of(key, "company.employees").await, Value::from(200), "the person's own word stands");
    }
    let firm = company(&world.app, "domain:northwind.example").await;
    assert_eq!((firm.member_count, firm.members.len()), (2, 2));
    assert_eq!(of(&world.app, "dana@gmail.com").await, CompanyOf::default());
    assert_eq!(world.trait_of("dana@gmail.com", "email_is_business").await, Value::from(false));
    assert_eq!(world.trait_of("dana@gmail.com", "company.domain").await, Value::Null);
}

#[tokio::test]
async fn domains_name_companies_by_what_was_registered() {
    let people = [
        ("u1", "ann@mail.bücher.example", "domain:xn--bcher-kva.example by email_domain"),
        ("u2", "ben@acme.github.io", "domain:acme.github.io by email_domain"),
        ("u3", "cas@other.github.io", "domain:other.github.io by email_domain"),
        ("u4", "dee@sales.acme.co.uk", "domain:acme.co.uk by email_domain"),
        ("u5", "eva@yopmail.com", ""),
        ("u6", "fay@outlook.co.id", ""),
        ("u7", "gil@our-isp.example", ""),
        ("u8", "hal@proton.me", "domain:proton.me by email_domain"),
        ("u9", "ida@github.io", ""),
    ];
    let lines: String = people.iter().map(|(user, email, _)| identify(user, 0, json!({ "email": email }))).collect();
    let config =
        format!("{NO_CRM}[company]\nfree_mail_add = [\"our-isp.example\"]\nfree_mail_remove = [\"proton.me\"]\n");
    let world = after(&config, &lines).await;
    for (user, email, want) in people {
        assert_eq!(primary(&world.app, &format!("user_id:{user}")).await, want, "{email}");
    }
}

#[tokio::test]
async fn a_group_that_claims_a_domain_takes_its_people_in() {
    let lines = [
        identify("u-bob", 0, json!({ "email": "bob@acme.example" })),
        group("u-ann", 0, "g-1", json!({ "name": "Acme", "website": "https://www.acme.example/", "employees": 300 })),
    ];
    let world = after(NO_CRM, &lines.concat()).await;
    assert_eq!(primary(&world.app, "user_id:u-ann").await, "group:g-1 by group");
    assert_eq!(primary(&world.app, "user_id:u-bob").await, "group:g-1 by email_domain");
    for (name, want) in
        [("company.name", "Acme".into()), ("company.employees", 300.into()), ("company.domain", "acme.example".into())]
    {
        assert_eq!(world.trait_of("user_id:u-bob", name).await, want, "{name}");
    }
    let acme = company(&world.app, "domain:acme.example").await;
    assert_eq!((acme.key.to_string(), acme.member_count), ("group:g-1".to_owned(), 2));

    // A later word of the company reaches everybody in it.
    import(&world, &group("u-ann", 5, "g-1", json!({ "name": "Acme Works" }))).await;
    world.compute().await;
    assert_eq!(world.trait_of("user_id:u-bob", "company.name").await, Value::from("Acme Works"));

    // A second company claims the domain: whoever is known by it alone stays with the domain.
    import(&world, &group("u-eve", 6, "g-2", json!({ "name": "Acme East", "website": "acme.example" }))).await;
    world.compute().await;
    assert_eq!(primary(&world.app, "user_id:u-bob").await, "domain:acme.example by email_domain");
    assert_eq!(primary(&world.app, "user_id:u-ann").await, "group:g-1 by group", "a group is a group");
    assert_eq!(world.trait_of("user_id:u-bob", "company.name").await, Value::Null);
    let rivals = company(&world.app, "domain:acme.example").await.rivals;
    assert_eq!(rivals.iter().map(|(_, key)| key.to_string()).collect::<Vec<_>>(), ["group:g-1", "group:g-2"]);
}

#[tokio::test]
async fn people_of_a_contested_domain_follow_the_answer_for_as_long_as_it_is_an_answer() {
    let lines = [
        identify("u-bob", 0, json!({ "email": "bob@acme.example" })),
        group("u-ann", 0, "g-1", json!({ "name": "Acme", "website": "https://www.acme.example/" })),
        group("u-eve", 0, "g-2", json!({ "name": "Acme East", "website": "acme.example" })),
    ];
    let world = after(NO_CRM, &lines.concat()).await;
    let now = connector::Clock::now(&*world.clock);
    let open = async || world.app.store.reviews(true, 10).await.unwrap();
    let [question] = open().await.try_into().unwrap();
    assert_eq!(question.detail.as_deref(), Some("claimed by group:g-1 and group:g-2"));
    let answer = async |id, answer| world.app.store.answer_review(id, answer, now).await;
    for (wrong, why) in [
        (Answer::Merge, "say whose the domain is"),
        (Answer::Holder, "say whose the domain is"),
        (Answer::Belongs("group:g-9".into()), "does not claim acme.example"),
    ] {
        let refused = answer(question.id, wrong).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let answered = answer(question.id, Answer::Belongs("group:g-2".into())).await.unwrap();
    assert!(answered.is_some());
    assert_eq!(primary(&world.app, "user_id:u-bob").await, "group:g-2 by email_domain", "before any computation");
    world.compute().await;
    assert_eq!(world.trait_of("user_id:u-bob", "company.name").await, Value::from("Acme East"));
    let kept = world.app.store.reviews(false, 10).await.unwrap();
    assert_eq!(kept[0].answer, Some(Answer::Belongs("group:g-2".into())));
    // Whoever comes later, and whatever the companies say again: it stands, and is not asked again.
    import(&world, &identify("u-cas", 1, json!({ "email": "cas@acme.example" }))).await;
    import(&world, &group("u-ann", 3, "g-1", json!({ "name": "Acme Works" }))).await;
    world.compute().await;
    assert_eq!(primary(&world.app, "user_id:u-cas").await, "group:g-2 by email_domain");
    assert_eq!(company(&world.app, "group:g-2").await.member_count, 3);
    assert!(open().await.is_empty());
    // Others claim it: another question, and until that is answered they stay with the domain.
    import(&world, &group("u-fay", 4, "g-3", json!({ "name": "Acme West", "website": "acme.example" }))).await;
    world.compute().await;
    assert_eq!(primary(&world.app, "user_id:u-bob").await, "domain:acme.example by email_domain");
    let [second] = open().await.try_into().unwrap();
    answer(second.id, Answer::Dismiss).await.unwrap();
    world.compute().await;
    assert_eq!(primary(&world.app, "user_id:u-bob").await, "domain:acme.example by email_domain");
    // It takes its word back: what was said of the two holds again.
    import(&world, &group("u-fay", 5, "g-3", json!({ "website": "west.example" }))).await;
    world.compute().await;
    assert_eq!(primary(&world.app, "user_id:u-bob").await, "group:g-2 by email_domain");
}

#[tokio::test]
async fn the_latest_group_is_the_primary_and_the_others_are_past() {
    let lines = [
        group("u-ann", 30, "g-new", json!({ "name": "New" })),
        identify("u-ann", 0, json!({ "email": "ann@old.example", "company": { "id": "c-9", "name": "Own word" } })),
        group("u-ann", 0, "g-old", json!({ "name": "Old" })),
        line(json!({ "type": "track", "event": "Signed In", "userId": "u-cas", "context": { "groupId": 42 },
                     "timestamp": "2026-03-02T09:00:00Z" })),
    ];
    let world = after(NO_CRM, &lines.concat()).await;
    assert_eq!(primary(&world.app, "user_id:u-ann").await, "group:g-new by group");
    assert_eq!(past(&world.app, "user_id:u-ann").await, ["group:g-old", "domain:old.example"]);
    assert_eq!(world.trait_of("user_id:u-ann", "company.name").await, Value::from("New"));
    assert_eq!(primary(&world.app, "user_id:u-cas").await, "group:42 by group");
}

#[tokio::test]
async fn other_rules_place_everybody_anew() {
    let lines = [
        identify("u-ann", 0, json!({ "email": "ann@acme.example" })),
        group("u-ann", 0, "g-1", json!({ "name": "Acme" })),
    ];
    let mut world = after(&configured("", "", ""), &lines.concat()).await;
    assert_eq!(world.trait_of("user_id:u-ann", "company.name").await, Value::from("Acme"));
    world.reconfigure(&configured("[company]\nmatch = [\"domain\"]\n", "", ""));
    world.compute().await;
    assert_eq!(primary(&world.app, "user_id:u-ann").await, "domain:acme.example by email_domain");
    assert_eq!(company(&world.app, "group:g-1").await.member_count, 0);
    assert_eq!(company(&world.app, "domain:acme.example").await.member_count, 1);
}

/// A company record of the in-memory CRM.
fn account(world: &World, name: &str, domain: &str) -> RecordId {
    let fields: Fields = [("name", name), ("domain", domain)].into_iter().collect();
    world.crm.create(&Object::Company, fields)
}

fn employ(world: &World, contact: &RecordId, account: &RecordId) {
    world.crm.link((&Object::Contact, contact), (&Object::Company, account));
}

#[tokio::test]
async fn a_contact_works_at_the_account_it_is_associated_with() {
    let world = World::new();
    let (ann, ben) = (world.contact(&[("email", "ann@acme.example")]), world.contact(&[("email", "ben@gmail.com")]));
    let acme = account(&world, "Acme", "acme.example");
    let other = account(&world, "Other", "");
    employ(&world, &ann, &acme);
    employ(&world, &ben, &acme);
    world.sync().await;
    // Known by the domain alone: the account claims it.
    world.identify("cas@sales.acme.example", json!({})).await;
    world.compute().await;
    let key = format!("crm:acme:{acme}");
    assert_eq!(primary(&world.app, "ann@acme.example").await, format!("{key} by crm"));
    assert_eq!(primary(&world.app, "ben@gmail.com").await, format!("{key} by crm"));
    assert_eq!(primary(&world.app, "cas@sales.acme.example").await, format!("{key} by email_domain"));
    assert_eq!(world.trait_of("ben@gmail.com", "company.name").await, Value::from("Acme"));
    assert_eq!(world.trait_of("ben@gmail.com", "company.domain").await, Value::from("acme.example"));
    assert_eq!(world.trait_of("ben@gmail.com", "email_is_business").await, Value::from(false));
    assert_eq!(company(&world.app, "domain:acme.example").await.member_count, 3);

    // A rename reaches everybody; a move leaves a past company behind.
    let renamed: Fields = [("name", "Acme Works")].into_iter().collect();
    assert!(world.crm.edit(&Object::Company, &acme, renamed));
    world.crm.unlink((&Object::Contact, &ben), (&Object::Company, &acme));
    employ(&world, &ben, &other);
    world.advance(std::time::Duration::from_secs(600));
    world.sync().await;
    assert_eq!(world.trait_of("cas@sales.acme.example", "company.name").await, Value::from("Acme Works"));
    assert_eq!(primary(&world.app, "ben@gmail.com").await, format!("crm:acme:{other} by crm"));
    assert_eq!(past(&world.app, "ben@gmail.com").await, [key.as_str()]);

    // The account is deleted: nobody works there, and its domain is free.
    assert!(world.crm.delete(&Object::Company, &acme));
    world.advance(std::time::Duration::from_secs(600));
    world.sync().await;
    for person in ["ann@acme.example", "cas@sales.acme.example"] {
        assert_eq!(primary(&world.app, person).await, "domain:acme.example by email_domain", "{person}");
        assert_eq!(world.trait_of(person, "company.name").await, Value::Null, "{person}");
    }
    world.assert_rest().await;
}

#[tokio::test]
async fn accounts_that_the_crm_merges_are_one_company() {
    let world = World::new();
    let people = ["ann@one.example", "ben@two.example"].map(|email| world.contact(&[("email", email)]));
    let accounts = [account(&world, "One", "one.example"), account(&world, "Two", "two.example")];
    for (person, account) in people.iter().zip(&accounts) {
        employ(&world, person, account);
    }
    world.identify("cas@two.example", json!({})).await;
    world.sync().await;
    assert_eq!(primary(&world.app, "cas@two.example").await, format!("crm:acme:{} by email_domain", accounts[1]));
    assert!(world.crm.merge(&Object::Company, &accounts[0], &accounts[1]));
    world.advance(std::time::Duration::from_secs(600));
    world.sync().await;
    for person in ["ann@one.example", "ben@two.example"] {
        assert_eq!(primary(&world.app, person).await, format!("crm:acme:{} by crm", accounts[0]), "{person}");
        assert_eq!(past(&world.app, person).await.len(), usize::from(person.starts_with("ben")), "{person}");
    }
    assert_eq!(primary(&world.app, "cas@two.example").await, "domain:two.example by email_domain");
}

#[tokio::test]
async fn a_group_outranks_the_account_and_a_both_way_field_comes_to_rest() {
    let config = "preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"USD\"\n[[crm]]\nname = \"acme\"\ntype = \"hubspot\"\n\
                  token = { env = \"TOKEN\" }\n[crm.fields.contact]\ncompany.name = \"company\"\n\
                  email_is_business = \"business\"\n";
    let world = World::with(config);
    world.crm.define(&Object::Contact, field("company", FieldKind::Text));
    world.crm.define(&Object::Contact, field("business", FieldKind::Bool));
    let ann = world.contact(&[("email", "ann@acme.example")]);
    let acme = account(&world, "Acme", "acme.example");
    employ(&world, &ann, &acme);
    world.sync().await;
    assert_eq!(world.value(&ann, "company"), Value::from("Acme"), "an empty field shows the company");
    assert_eq!(world.value(&ann, "business"), Value::from(true));

    // A rep's own word stays, whatever the company calls itself.
    assert!(world.crm.edit(&Object::Contact, &ann, [("company", "Acme (Berlin)")].into_iter().collect::<Fields>()));
    world.advance(std::time::Duration::from_secs(600));
    world.sync().await;
    import(
        &world,
        &line(json!({ "type": "group", "userId": "u-ann", "groupId": "g-1", "traits": { "name": "Acme Inc." },
                                "context": { "traits": { "email": "ann@acme.example" } },
                                "timestamp": "2026-11-02T09:00:00Z" })),
    )
    .await;
    world.advance(std::time::Duration::from_secs(600));
    world.sync().await;
    assert_eq!(world.value(&ann, "company"), Value::from("Acme (Berlin)"));
    world.assert_rest().await;
}

/// The real connectors against the mock CRMs over HTTP: a contact's company is read with the contact.
#[tokio::test]
async fn each_crm_tells_where_its_contacts_work() {
    for vendor in [Vendor::Hubspot, Vendor::Salesforce, Vendor::Dynamics] {
        let harbour = Harbour::new(&[vendor], "").await;
        let mock = harbour.mock(vendor);
        let site = if vendor == Vendor::Hubspot { ("domain", "acme.example") } else { ("website", "www.acme.example") };
        let acme = mock.create(&Object::Company, &[("name", "Acme"), site]);
        let ben = mock.create(&Object::Contact, &[("email", "ben@gmail.com"), ("last_name", "Bay")]);
        mock.act(
            "associate",
            &json!({ "from": mock.word(&Object::Contact), "from_id": ben.as_str(),
                     "to": mock.word(&Object::Company), "to_id": acme.as_str(), "types": [1] }),
        );
        harbour.cycle().await;
        harbour.import(&identify("u-cas", 0, json!({ "email": "cas@acme.example" }))).await;
        harbour.compute().await;
        let key = format!("crm:{}:{acme}", vendor.name());
        assert_eq!(primary(&harbour.app, "ben@gmail.com").await, format!("{key} by crm"));
        assert_eq!(primary(&harbour.app, "cas@acme.example").await, format!("{key} by email_domain"));
        let ben = harbour.profile("ben@gmail.com").await.profile;
        assert_eq!(ben.value("company.name"), &Value::from("Acme"));
        assert_eq!(ben.value("company.domain"), &Value::from("acme.example"));
        harbour.assert_rest().await;
    }
}

/// Everything that is said in the property below: ten messages and a pull.
fn said() -> Vec<Option<String>> {
    let track = json!({ "type": "track", "event": "Signed In", "userId": "u1", "context": { "groupId": "g-1" },
                        "timestamp": "2026-03-02T10:00:00Z" });
    let visit = json!({ "type": "group", "anonymousId": "a-1", "groupId": "g-3", "traits": { "name": "Gamma" },
                        "timestamp": "2026-03-02T07:00:00Z" });
    let login = json!({ "type": "identify", "anonymousId": "a-1", "userId": "u4",
                        "traits": { "email": "dan@beta.example" }, "timestamp": "2026-03-02T07:30:00Z" });
    let lines = [
        identify("u1", 0, json!({ "email": "ann@acme.example" })),
        identify("u2", 0, json!({ "email": "bob@acme.example" })),
        identify("u3", 0, json!({ "email": "cas@beta.example", "company": { "id": "c-1", "name": "Own" } })),
        group("u1", 0, "g-1", json!({ "name": "Acme", "website": "acme.example" })),
        group("u5", 10, "g-1", json!({ "name": "Acme Works" })),
        group("u1", 30, "g-2", json!({ "name": "Beta", "website": "beta.example" })),
        line(track),
        line(visit),
        line(login),
        identify("u6", 0, json!({ "email": "eve@gamma.example" })),
    ];
    lines.into_iter().map(Some).chain([None]).collect()
}

/// What became of it, told in words.
async fn outcome(said: &[Option<String>], computed_after: &[bool]) -> Vec<String> {
    let world = World::new();
    let fay = world.contact(&[("email", "fay@gmail.com")]);
    let gamma = account(&world, "Gamma", "gamma.example");
    employ(&world, &fay, &gamma);
    for (one, computes) in said.iter().zip(computed_after.iter().chain(std::iter::repeat(&false))) {
        match one {
            Some(lines) => import(&world, lines).await,
            None => drop(world.pull().await),
        }
        if *computes {
            world.compute().await;
        }
    }
    world.compute().await;
    let mut told = Vec::new();
    for person in ["u1", "u2", "u3", "u4", "u5", "u6", "fay@gmail.com"] {
        let key = if person.contains('@') { person.to_owned() } else { format!("user_id:{person}") };
        let mut past = past(&world.app, &key).await;
        past.sort();
        let name = world.trait_of(&key, "company.name").await;
        told.push(format!("{person}: {} {name} {past:?}", primary(&world.app, &key).await));
    }
    for key in
        ["group:g-1", "group:g-2", "group:g-3", "domain:acme.example", "domain:beta.example", "domain:gamma.example"]
    {
        let company = company(&world.app, key).await;
        told.push(format!("{key}: {} {} {}", company.key, company.member_count, company.first_seen));
    }
    told
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// In whatever order it is said, and whenever it is computed between, everybody belongs to the same company.
    #[test]
    fn no_order_changes_who_works_where(
        order in Just(said()).prop_shuffle(),
        computed_after in prop::collection::vec(any::<bool>(), 11),
    ) {
        let expected = run(outcome(&said(), &[]));
        assert!(expected[0].starts_with("u1: group:g-1 by group Acme Works"), "{expected:?}");
        assert!(expected[1].starts_with("u2: group:g-1 by email_domain"), "{expected:?}");
        assert!(expected[3].starts_with("u4: group:g-3 by group Gamma"), "{expected:?}");
        assert_eq!(run(outcome(&order, &computed_after)), expected);
    }
}
