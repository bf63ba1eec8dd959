//! One write as a request of its own, by itself or as a part of a batch, and what its answer says.

use connector::{Error, ErrorKind, Fields, RecordId, Timestamp};
use connector_http::{Answer, Call};
use http::{HeaderValue, Method};

use crate::api::{Api, header, json, spoken};
use crate::convert::{Reading, Told as RowTold};
use crate::currency::Codes;
use crate::dialect::CALL;
use crate::multipart::{self, Part, Request};
use crate::odata::{ROOT, is_guid};
use crate::outgoing::{Row, Sent};
use crate::reject::Refused;
use crate::rows::one;
use crate::schema::Described;
use crate::wanted::Wanted;
use crate::wire::Fault;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RowAnswer {
    Done {
        id: RecordId,
        created: bool,
        kept: Fields,
        modified_at: Option<Timestamp>,
    },
    Refused(Refused),
    /// Not looked at, for no fault of its own.
    Untouched,
    /// It may or may not have been applied.
    Lost(Error),
    /// Certainly not sent, or sent without effect.
    NotSent(Error),
}

/// What rows are written with, beside themselves.
pub(crate) struct Writing<'d> {
    pub api: &'d Api,
    pub described: &'d Described,
    pub object: &'d connector::Object,
    pub attempted: String,
}

/// Whether the organisation's duplicate detection rules look at a write, said in any case.
pub(crate) fn suppress(api: &Api) -> &'static str {
    if api.suppress_duplicate_detection { "true" } else { "false" }
}

pub(crate) fn write_headers<'c>(api: &Api, call: Call<'c>) -> Call<'c> {
    call.with_header("mscrm.suppressduplicatedetection", HeaderValue::from_static(suppress(api)))
}

impl Writing<'_> {
    /// The columns an answer is to show: what was written, and the stamp.
    fn wanted(&self, sent: &Sent<'_>) -> Wanted {
        let mut wanted = Wanted::only(self.described, &["modifiedon"]);
        for name in &sent.columns {
            wanted.add_public(self.described, name);
        }
        wanted
    }

    fn resource(&self, sent: &Sent<'_>) -> String {
        let resource = sent.resource(&self.described.set).unwrap_or_else(|| self.described.set.clone());
        format!("{ROOT}/{resource}?$select={}", self.wanted(sent).select())
    }

    fn request(&self, sent: &Sent<'_>) -> Result<Request, Error> {
        let prefix = self.api.base.url().path().trim_end_matches('/');
        let mut headers = vec![
            ("Content-Type", "application/json; charset=utf-8".to_owned()),
            ("Accept", "application/json".to_owned()),
            ("Prefer", "return=representation".to_owned()),
            ("MSCRM.SuppressDuplicateDetection", suppress(self.api).to_owned()),
        ];
        headers.extend(sent.condition().map(|condition| ("If-Match", condition.to_owned())));
        let method = if sent.row == Row::New { "POST" } else { "PATCH" };
        let target = format!("{prefix}{}", self.resource(sent));
        let body = json(&self.attempted, &sent.body)?.to_vec();
        Ok(Request { method, target, headers, body })
    }

    /// One request for one row.
    pub async fn alone(&self, sent: &Sent<'_>) -> RowAnswer {
        let body = match json(&self.attempted, &sent.body) {
            Ok(body) => body,
            Err(error) => return RowAnswer::NotSent(error),
        };
        let mut call = Call::write(&self.attempted, self.resource(sent), body, CALL)
            .with_header("content-type", HeaderValue::from_static("application/json; charset=utf-8"))
            .with_header("prefer", HeaderValue::from_static("return=representation"));
        if sent.row != Row::New {
            call = call.with_method(Method::PATCH);
        }
        if let Some(condition) = sent.condition() {
            call = call.with_header("if-match", header(condition));
        }
        let call = write_headers(self.api, spoken(call));
        let read = |answer: &Answer| {
            let entity = answer.headers.get("odata-entityid").and_then(|value| value.to_str().ok());
            Ok(self.answer(sent, answer.status.as_u16(), entity, &answer.body))
        };
        self.api.client.fetch(&call, read).await.unwrap_or_else(of_failure)
    }

    /// Several rows in one request, each for itself.
    pub async fn together(&self, rows: &[Sent<'_>]) -> Vec<RowAnswer> {
        let requests: Result<Vec<Request>, Error> = rows.iter().map(|sent| self.request(sent)).collect();
        let requests = match requests {
            Ok(requests) => requests,
            Err(error) => return vec![RowAnswer::NotSent(error); rows.len()],
        };
        let call = self.api.batch_call(&self.attempted, &requests);
        let read = |answer: &Answer| match multipart::read(answer) {
            Ok(parts) => Ok(self.answers(rows, parts, answer.status.is_success())),
            Err(why) if answer.status.is_success() => Err(why),
            // The batch itself was refused: nothing of it was looked at.
            Err(_) => Ok(vec![RowAnswer::Untouched; rows.len()]),
        };
        match self.api.client.fetch(&call, read).await {
            Ok(answers) => answers,
            Err(error) => vec![of_failure(error); rows.len()],
        }
    }

    /// Which answer is whose: the order is the order sent. Where the first failure ended the batch, the rest was not
    /// looked at.
    fn answers(&self, rows: &[Sent<'_>], parts: Vec<Part>, went_on: bool) -> Vec<RowAnswer> {
        if parts.len() > rows.len() {
            return rows.iter().map(|_| self.silent()).collect();
        }
        let told = parts.len();
        let of = |(sent, part): (&Sent<'_>, &Part)| {
            if part.status == 429 {
                return RowAnswer::NotSent(self.throttled(part));
            }
            self.answer(sent, part.status, part.header("odata-entityid"), &part.body)
        };
        let mut answers: Vec<RowAnswer> = rows.iter().zip(&parts).map(of).collect();
        let rest = rows.iter().skip(told);
        answers.extend(rest.map(|_| if went_on { self.silent() } else { RowAnswer::Untouched }));
        answers
    }

    /// One request too many among those of a batch: the pause is everybody's.
    fn throttled(&self, part: &Part) -> Error {
        let wait = part.header("retry-after").and_then(|text| text.parse::<u32>().ok()).unwrap_or(5);
        let until = self.api.clock.now().saturating_add(std::time::Duration::from_secs(u64::from(wait.min(86_400))));
        self.api.client.pause(until);
        Error::new(ErrorKind::Quota, self.attempted.as_str(), "Dynamics refused it as one request too many")
            .with_retry_at(until)
    }

    fn silent(&self) -> RowAnswer {
        let cause = "Dynamics' answer does not say what became of it";
        RowAnswer::Lost(Error::new(ErrorKind::Protocol, self.attempted.as_str(), cause).maybe_applied())
    }

    fn answer(&self, sent: &Sent<'_>, status: u16, entity: Option<&str>, body: &[u8]) -> RowAnswer {
        match status {
            200..=299 => self.done(sent, status, entity, body),
            500..=599 => {
                let refused = Refused { status, fault: Fault::read(body) };
                match crate::reject::meaning(&refused, false) {
                    crate::reject::Meaning::Final(connector::Reason::Invalid) => {
                        let cause = refused.fault.cause(status);
                        let error = Error::new(ErrorKind::Transient, self.attempted.as_str(), cause);
                        RowAnswer::Lost(error.maybe_applied())
                    }
                    _ => RowAnswer::Refused(refused),
                }
            }
            _ => RowAnswer::Refused(Refused { status, fault: Fault::read(body) }),
        }
    }

    fn done(&self, sent: &Sent<'_>, status: u16, entity: Option<&str>, body: &[u8]) -> RowAnswer {
        let wanted = self.wanted(sent);
        let row = one(body, &wanted).ok().filter(|row| row.id(&wanted).is_some());
        let shown = row.and_then(|row| {
            let (links, contacts, currencies) = ([], std::collections::BTreeMap::new(), Codes::new());
            let reading = Reading {
                object: self.object,
                wanted: &wanted,
                address: None,
                links: &links,
                contacts: &contacts,
                currencies: &currencies,
            };
            match reading.told(row) {
                Some(RowTold::Alive(record)) => Some(record),
                _ => None,
            }
        });
        let id =
            sent.id().or_else(|| shown.as_ref().map(|record| record.id.clone())).or_else(|| entity.and_then(id_in));
        let Some(id) = id else { return self.silent() };
        let (kept, modified_at) = shown.map(|record| (record.fields, record.modified_at)).unwrap_or_default();
        RowAnswer::Done { id, created: status == 201 || sent.row == Row::New, kept, modified_at }
    }
}

/// A failed call's meaning for each of its rows.
pub(crate) fn of_failure(error: Error) -> RowAnswer {
    if error.maybe_applied { RowAnswer::Lost(error) } else { RowAnswer::NotSent(error) }
}

/// `https://…/contacts(c0000000-0000-0000-0000-000000000001)`
fn id_in(entity: &str) -> Option<RecordId> {
    let id = entity.strip_suffix(')')?.rsplit_once('(')?.1;
    is_guid(id).then(|| RecordId::from(id.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_row_is_named_by_its_address() {
        let id = "c0000000-0000-0000-0000-000000000001";
        assert_eq!(id_in(&format!("https://x/api/data/v9.2/contacts({id})")), Some(id.into()));
        assert_eq!(id_in("https://x/contacts(new_key='1')"), None);
        assert_eq!(id_in(""), None);
    }

    #[test]
    fn only_a_failure_that_may_have_worked_is_lost() {
        let error = Error::new(ErrorKind::Transient, "write", "gone");
        assert!(matches!(of_failure(error.clone()), RowAnswer::NotSent(_)));
        assert!(matches!(of_failure(error.maybe_applied()), RowAnswer::Lost(_)));
    }
}
