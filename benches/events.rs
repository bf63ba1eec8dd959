//! What one event and one profile cost, without the store: decode, match, compute. Rates are per core.

use std::hint::black_box;
use std::time::Duration;

use connector::Timestamp;
use ferry::enrich::{Model, Person, preset};
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, decode};
use ferry::model::Fact;

fn main() {
    divan::main();
}

const NOW: i64 = 1_772_450_000;

/// Page views and a form, some 640 bytes each, as a browser sends them.
fn messages() -> Vec<String> {
    let message = |n: usize| {
        let path = ["/", "/pricing", "/docs/start", "/pricing/eu", "/jobs"][n % 5];
        let at = Timestamp::from_secs(NOW - i64::try_from(n).unwrap_or(0) * 977).to_rfc3339_millis();
        let kind = if n.is_multiple_of(10) {
            r#""type":"track","event":"Form Submitted","properties":{"form":"demo","email":"ada@northwind.example"}"#
                .to_owned()
        } else {
            format!(r#""type":"page","name":"Page","properties":{{"path":"{path}","title":"A page of ours"}}"#)
        };
        format!(
            r#"{{"messageId":"ajs-next-{n:013}-5b3c0a52-0f39-4a7e-9b1e-{n:012}","anonymousId":"0d9d7b1e-2f5a-4f63-8a70-{n:012}","timestamp":"{at}","sentAt":"{at}",{kind},"context":{{"page":{{"path":"{path}","referrer":"https://www.google.com/","search":"?utm_source=google","title":"A page of ours","url":"https://acme.example{path}?utm_source=google"}},"campaign":{{"source":"google","medium":"cpc","name":"spring"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","locale":"de-DE","timezone":"Europe/Berlin","library":{{"name":"analytics.js","version":"next-1.84.3"}}}},"integrations":{{}}}}"#
        )
    };
    (0..1_000).map(message).collect()
}

fn options() -> DecodeOptions {
    DecodeOptions { source: "web".into(), max_message: MAX_MESSAGE, client: false, identity: std::sync::Arc::default() }
}

#[divan::bench]
fn decode_one(bencher: divan::Bencher<'_, '_>) {
    let (messages, options) = (messages(), options());
    let mut turn = messages.iter().cycle();
    bencher
        .counter(divan::counter::ItemsCount::new(1_u32))
        .bench_local(|| turn.next().map(|text| decode(black_box(text), Timestamp::from_secs(NOW), &options)));
}

#[divan::bench]
fn decode_and_match_one(bencher: divan::Bencher<'_, '_>) {
    let (messages, options, model) = (messages(), options(), Model::new(preset::b2b()));
    let mut turn = messages.iter().cycle();
    bencher.counter(divan::counter::ItemsCount::new(1_u32)).bench_local(|| {
        let text = turn.next()?;
        let event = decode(black_box(text), Timestamp::from_secs(NOW), &options).ok()?;
        let facts = model.facts(&event);
        Some((event, facts))
    });
}

/// A floor for the two above: the message as serde_json reads it into its own value.
#[divan::bench]
fn floor_parse_one(bencher: divan::Bencher<'_, '_>) {
    let messages = messages();
    let mut turn = messages.iter().cycle();
    bencher
        .counter(divan::counter::ItemsCount::new(1_u32))
        .bench_local(|| turn.next().map(|text| serde_json::from_str::<serde_json::Value>(black_box(text))));
}

#[divan::bench(args = [50, 500])]
fn compute_profile(bencher: divan::Bencher<'_, '_>, facts: usize) {
    let (options, model) = (options(), Model::new(preset::b2b()));
    let decoded = messages().into_iter().filter_map(|text| decode(&text, Timestamp::from_secs(NOW), &options).ok());
    let facts: Vec<Fact> = decoded.flat_map(|event| model.facts(&event)).take(facts).collect();
    let as_of = Timestamp::from_secs(NOW).saturating_add(Duration::from_secs(3_600));
    bencher.bench_local(|| model.compute(&Person::of(black_box(&facts), &[], as_of)));
}
