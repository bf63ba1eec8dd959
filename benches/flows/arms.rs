//! The CRMs beside HubSpot: first load, a tenth edited by reps, and a push of three fields a record, each beside the least any
//! program can do for it, and the calls that each takes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use connector::FieldKind;

use crate::crm::Crm;
use crate::measure::{Table, measure};
use crate::world;

/// A contact's id and address.
pub type Person = (String, String);

/// One CRM, and what a program that knows it beforehand would send.
pub trait Vendor {
    /// The word of `ferry mock` and of `type = "…"`.
    const KIND: &'static str;
    /// Lines of the connection, with `BASE_URL`.
    const CONNECTION: &'static str;
    /// Lines of `[crm.fields.contact]`: six fields of the CRM's own and four of ours.
    const FIELDS: &'static str;
    /// Ours: page views, last page, profile id.
    const OURS: [&'static str; 3];
    /// The field that reps edit.
    const CITY: &'static str;
    /// What makes the mock's limits no limits.
    const UNLIMITED: &'static str;
    /// Ways to do it, and the lines of the connection that make it so.
    const WAYS: &'static [(&'static str, &'static str)];

    /// Signs in; the authorization header of every call.
    async fn sign_in(crm: &Crm) -> String;

    /// All pages one after the other, their records read as JSON and no more.
    async fn fetch(crm: &Crm, authorization: &str) -> Vec<Person>;

    /// A push's bodies.
    fn bodies(people: &[Person]) -> Vec<String>;

    async fn post(crm: &Crm, authorization: &str, body: String) -> reqwest::Response;
}

const HEAD: &str = r#"
preset = "none"
timezone = "UTC"
base_currency = "USD"

[traits.page_views_30d]
kind = "count"
event = "page"
window = "30d"

[traits.last_page]
kind = "last"
event = "page"
property = "path"

[[source]]
name = "web"
type = "jsonl"

[safety]
max_update_share = 1.0

[[crm]]
name = "crm"
"#;

/// Every way of one CRM.
pub async fn run<V: Vendor>(records: u64) {
    for (way, lines) in V::WAYS {
        println!("\n{} {way}", V::KIND);
        let crm = Crm::start_of(V::KIND, records).await;
        crm.control(V::UNLIMITED).await;
        let folder = tempfile::tempdir().unwrap();
        let connection = V::CONNECTION.replace("BASE_URL", &crm.url);
        let config =
            format!("{HEAD}type = \"{}\"\n{connection}\n{lines}\n\n[crm.fields.contact]\n{}", V::KIND, V::FIELDS);
        let app = world::app_of(folder.path(), &config);
        let [views, page, key] = V::OURS;
        world::create(&app, &[(views, FieldKind::Integer), (page, FieldKind::Text), (key, FieldKind::Text)]).await;
        let mut arm = Arm { crm: &crm, table: Table::new(records), spent: Vec::new() };

        let people = fetch::<V>(&mut arm, records).await;
        arm.flow("pull, fresh", records, Some("fetch"), world::pull(&app, true)).await;
        arm.flow("pull again, full, nothing changed", records, Some("fetch"), world::pull(&app, true)).await;
        // Hours later at the CRM: what was read lies behind what a poll looks back to.
        crm.control(r#"{"clock_offset_s":7200}"#).await;
        world::pull(&app, false).await;
        let edited = edit_a_tenth::<V>(&crm, &people).await;
        crm.control(r#"{"clock_offset_s":7400}"#).await;
        arm.flow("pull of a tenth, edited by reps", edited, None, world::pull(&app, false)).await;

        let path = folder.path().join("events.jsonl");
        write_events(&path, &people);
        world::import(&app, &path).await;
        world::compute(&app, records).await;
        post::<V>(&mut arm, &people).await;
        arm.flow("push of three fields a record", records, Some("post"), world::push(&app, records)).await;
        arm.print();
    }
}

/// One way of one CRM while it is measured.
struct Arm<'c> {
    crm: &'c Crm,
    table: Table,
    /// Each flow's name, its records and its calls.
    spent: Vec<(&'static str, u64, u64)>,
}

impl Arm<'_> {
    async fn flow(
        &mut self,
        name: &'static str,
        items: u64,
        floor: Option<&'static str>,
        work: impl Future<Output = ()>,
    ) {
        let before = self.crm.requests().await;
        let measured = measure(items, work).await;
        let calls = self.crm.requests().await - before;
        self.table.add(name, floor, measured, calls);
        self.spent.push((name, items, calls));
    }

    fn print(&self) {
        self.table.print();
        for (name, items, calls) in &self.spent {
            println!("{name}: {:.2} calls per 1,000 records", *calls as f64 * 1_000.0 / (*items).max(1) as f64);
        }
    }
}

async fn fetch<V: Vendor>(arm: &mut Arm<'_>, records: u64) -> Vec<Person> {
    let authorization = V::sign_in(arm.crm).await;
    let mut people = Vec::new();
    let measured = measure(records, async { people = V::fetch(arm.crm, &authorization).await }).await;
    arm.table.floor("fetch", measured);
    assert_eq!(people.len() as u64, records, "the floor fetches everybody");
    people
}

/// The bodies of a push, posted one after the other by a program that knows them beforehand.
async fn post<V: Vendor>(arm: &mut Arm<'_>, people: &[Person]) {
    let authorization = V::sign_in(arm.crm).await;
    let bodies = V::bodies(people);
    let measured = measure(people.len() as u64, async {
        for body in bodies {
            let answer = V::post(arm.crm, &authorization, body).await;
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await.expect("a body");
        }
    })
    .await;
    arm.table.floor("post", measured);
}

async fn edit_a_tenth<V: Vendor>(crm: &Crm, people: &[Person]) -> u64 {
    let ids: Vec<&str> = people.iter().step_by(10).map(|(id, _)| id.as_str()).collect();
    let body = serde_json::json!({ "object": "contact", "ids": ids, "properties": { V::CITY: "Elsewhere" } });
    let answer = crm.client.post(format!("{}/__mock/edit", crm.url)).json(&body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    ids.len() as u64
}

/// One page view for every contact.
fn write_events(path: &Path, people: &[Person]) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    for (n, (_, email)) in people.iter().enumerate() {
        writeln!(
            out,
            r#"{{"type":"page","messageId":"m-{n}","anonymousId":"a-{n}","timestamp":"2026-11-20T10:00:00Z","properties":{{"path":"/pricing"}},"context":{{"traits":{{"email":"{email}"}}}}}}"#
        )
        .expect("a line");
    }
    out.flush().expect("a file");
}

/// A text of an answer; nothing where there is none.
pub fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The whole answer as JSON.
pub async fn json(request: reqwest::RequestBuilder) -> serde_json::Value {
    let answer = request.send().await.expect("an answer");
    serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
}
