//! Conditions and formulas of `sync.toml`: read or refused with a place in the text, and evaluated without a panic.

use std::sync::LazyLock;

use connector::Timestamp;
use ferry::expr::{EventInput, Expr, Json, Kind, ProfileInput, Scope};
use ferry::model::Event;

use crate::{NOW, event};

const BODY: &str = r#"{"type":"track","event":"Order Completed","userId":"u-1","anonymousId":"a-1",
    "timestamp":"2026-02-03T10:00:00Z","properties":{"total":99.5,"items":[{"sku":"x"}],"path":"/pricing/eu","n":null},
    "context":{"page":{"url":"https://acme.example/pricing?utm_source=x#top","title":"Prices"}}}"#;

static EVENT: LazyLock<Event> = LazyLock::new(|| event::one(BODY, false).expect("the sample is a message"));

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let in_text = |span: &std::ops::Range<usize>| {
        assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {}", text.len());
        assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}");
    };
    match Expr::compile(text, &Scope::event()) {
        Ok(condition) => {
            let body = Json::parse(BODY).expect("JSON");
            let input = EventInput { event: &EVENT, body: &body };
            assert_eq!(condition.holds(&input), condition.holds(&input));
        }
        Err(error) => in_text(&error.span),
    }
    let kinds =
        [("company.employees", Kind::Integer), ("email", Kind::Text), ("since", Kind::Date), ("tags", Kind::List)];
    match Expr::compile(text, &Scope::profile(kinds)) {
        Ok(condition) => {
            let nothing = connector::Value::Null;
            for as_of in [NOW, Timestamp::EPOCH] {
                let _ = condition.holds(&ProfileInput { traits: &|_| &nothing, events: &|_| nothing.clone(), as_of });
            }
        }
        Err(error) => in_text(&error.span),
    }
    match Expr::compile_value(text, &Scope::profile(kinds)) {
        Ok(formula) => {
            let number = connector::Value::from(7);
            let input = ProfileInput { traits: &|_| &number, events: &|_| number.clone(), as_of: NOW };
            assert_eq!(formula.value(&input), formula.value(&input));
        }
        Err(error) => in_text(&error.span),
    }
}
