//! Made-up behaviour for real-looking people: the same addresses and the same day give the same events, to the byte.

use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};

const PAGES: [&str; 6] = ["/", "/products/gtx", "/products/mg", "/blog/rack-density", "/customers", "/docs/install"];
const SITES: [&str; 4] = ["https://www.google.com/", "https://www.linkedin.com/", "https://duckduckgo.com/", ""];

/// Segment messages, one JSON object per line, of the three weeks before `day` (UTC). About a third of the people do nothing.
pub fn lines(emails: &[String], day: NaiveDate) -> String {
    let mut out = String::new();
    for email in emails {
        let mut chance = Chance::of(email);
        if chance.below(3) == 0 {
            continue;
        }
        let visitor = format!("web-{:08x}", chance.next() >> 32);
        let mut said = 0;
        let mut say = |days_ago: i64, minute: i64, mut message: Value| {
            let at =
                day.and_time(chrono::NaiveTime::MIN) - Duration::days(days_ago) + Duration::minutes(9 * 60 + minute);
            message["anonymousId"] = visitor.as_str().into();
            message["messageId"] = format!("{visitor}-{said}").into();
            message["timestamp"] = at.and_utc().to_rfc3339().into();
            said += 1;
            out.push_str(&message.to_string());
            out.push('\n');
        };
        let visits = 1 + chance.below(3);
        for visit in 0..visits {
            let days_ago = 1 + chance.below(7) as i64 + 7 * (visits - 1 - visit) as i64;
            let site = SITES[chance.below(4) as usize];
            for view in 0..=chance.below(3) as i64 {
                let path = PAGES[chance.below(6) as usize];
                let referrer = if view == 0 { site } else { "https://www.hardware.example/" };
                say(days_ago, view * 3, page(path, referrer));
            }
            if chance.below(3) == 0 {
                say(days_ago, 12, page("/pricing", "https://www.hardware.example/"));
            }
            // The last visit is where they say who they are: everything before becomes theirs.
            if visit + 1 == visits {
                say(days_ago, 14, json!({ "type": "identify", "traits": { "email": email } }));
                if chance.below(6) == 0 {
                    let form = json!({ "form": "demo" });
                    say(days_ago, 15, json!({ "type": "track", "event": "Form Submitted", "properties": form }));
                }
            }
        }
    }
    out
}

fn page(path: &str, referrer: &str) -> Value {
    let url = format!("https://www.hardware.example{path}");
    json!({ "type": "page", "properties": { "path": path, "url": url, "referrer": referrer } })
}

/// A sequence that the address alone decides (FNV-1a, then xorshift).
struct Chance(u64);

impl Chance {
    fn of(text: &str) -> Self {
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self(hash | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }
}
