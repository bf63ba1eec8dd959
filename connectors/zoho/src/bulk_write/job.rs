//! The calls of a bulk write job, one function each.

use bytes::Bytes;
use connector::{Error, ErrorKind};
use connector_http::{Answer, Call, Origin, Priority, Repeat};
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::sheet::Column;
use crate::api::{Api, Refusal, decode, json};
use crate::dialect::CALL;
use crate::paths;
use crate::push::Lane;
use crate::wire::{Id, is_id};

/// Bytes of one packed file.
pub(super) const LARGEST_FILE: usize = 25_000_000;
/// What making a job takes of a day's credits.
const CREDITS: u64 = 500;
/// In no cell: a cell has no line that begins so unless it is quoted, and a packed file has no lines.
const BOUNDARY: &str = "ferry-bulk-write-0f5a1c7e9b3d";

/// Where a job stands, as far as anything is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Running,
    Over,
}

/// A job as Zoho tells of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Looked {
    status: String,
    resource: Vec<Resource>,
    result: Option<Download>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    file: Option<File>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    added_count: Option<usize>,
    updated_count: Option<usize>,
    skipped_count: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Download {
    download_url: Option<String>,
}

impl Looked {
    pub fn stage(&self) -> Stage {
        match self.status.to_ascii_uppercase().as_str() {
            "COMPLETED" | "FAILED" | "FAILURE" | "SKIPPED" => Stage::Over,
            // Whatever a later version calls it, it is not over.
            _ => Stage::Running,
        }
    }

    fn file(&self) -> Option<&File> {
        self.resource.iter().find_map(|resource| resource.file.as_ref())
    }

    pub fn updated(&self) -> Option<usize> {
        self.file()?.updated_count.filter(|_| self.file().is_some_and(|file| file.added_count.unwrap_or(0) == 0))
    }

    pub fn skipped(&self) -> Option<usize> {
        self.file()?.skipped_count
    }

    /// Where the results are: a path of the API's own host, or an address on the host for downloads. Nothing else is
    /// followed.
    pub fn results_at(&self, downloads: &Origin) -> Result<ResultsAt<'_>, &'static str> {
        let url = self.result.as_ref().and_then(|result| result.download_url.as_deref());
        let url = url.ok_or("the bulk job tells no results to be fetched")?;
        let is_path = |path: &str| path.starts_with('/') && !path.starts_with("//");
        match url.strip_prefix(&downloads.to_string()) {
            _ if url.contains(char::is_whitespace) => Err("the address of the bulk job's results is no address"),
            Some(path) if is_path(path) => Ok(ResultsAt::Downloads(path)),
            None if is_path(url) => Ok(ResultsAt::Api(url)),
            _ => Err("the bulk job's results lie on another host than the one for downloads"),
        }
    }
}

/// Where results are fetched, by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultsAt<'a> {
    Api(&'a str),
    Downloads(&'a str),
}

#[derive(Deserialize)]
struct Uploaded {
    details: UploadedDetails,
}

#[derive(Deserialize)]
struct UploadedDetails {
    file_id: Id,
}

/// Hands over a file; it applies nothing by itself.
pub(super) async fn upload(api: &Api, archive: Vec<u8>) -> Result<Result<String, Refusal>, Error> {
    let attempted = "upload the rows of a bulk job";
    let organisation = api.organisation().await?;
    let org = HeaderValue::from_str(&organisation.zgid)
        .map_err(|_| Error::new(ErrorKind::Protocol, attempted, "the organisation's id is no header"))?;
    let mut body = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"rows.zip\"\r\ncontent-type: \
         application/zip\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(&archive);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={BOUNDARY}"))
        .map_err(|_| Error::new(ErrorKind::Protocol, attempted, "the boundary is no header"))?;
    let call = Call::write(attempted, paths::UPLOAD.to_owned(), Bytes::from(body), CALL)
        .with_repeat(Repeat::Safe)
        .with_header("content-type", kind)
        .with_header("feature", HeaderValue::from_static("bulk-write"))
        .with_header("x-crm-org", org);
    let read = |answer: &Answer| {
        if !answer.status.is_success() {
            return Ok(Err(Refusal::of(answer)));
        }
        let uploaded: Uploaded = decode(answer)?;
        Ok(Ok(uploaded.details.file_id.0))
    };
    api.uploads.fetch(&call, read).await
}

#[derive(Serialize)]
struct NewJob<'a> {
    operation: &'static str,
    character_encoding: &'static str,
    resource: [NewResource<'a>; 1],
}

#[derive(Serialize)]
struct NewResource<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    module: Module<'a>,
    file_id: &'a str,
    /// An empty cell leaves its field alone.
    ignore_empty: bool,
    find_by: &'static str,
    field_mappings: &'a [Column],
}

#[derive(Serialize)]
struct Module<'a> {
    api_name: &'a str,
}

#[derive(Deserialize)]
struct Made {
    details: MadeDetails,
}

#[derive(Deserialize)]
struct MadeDetails {
    id: Id,
}

/// Makes the job; it begins at once.
pub(super) async fn create(
    api: &Api,
    lane: &Lane,
    file_id: &str,
    columns: &[Column],
) -> Result<Result<String, Refusal>, Error> {
    let attempted = format!("begin a bulk job to {}", lane.attempted());
    let module = Module { api_name: &lane.module };
    let resource =
        NewResource { kind: "data", module, file_id, ignore_empty: true, find_by: "id", field_mappings: columns };
    let body = json(&attempted, &NewJob { operation: "update", character_encoding: "UTF-8", resource: [resource] })?;
    let call = Call::write(&attempted, paths::BULK_WRITE.to_owned(), body, CALL).with_cost(CREDITS);
    let made = api.try_ask::<Made>(&call, decode).await?;
    match made.map(|made| made.details.id.0) {
        Ok(id) if is_id(&id) => Ok(Ok(id)),
        Ok(_) => Err(Error::new(ErrorKind::Protocol, attempted, "the answer names no job").maybe_applied()),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// How the job stands; `None` where there is no such job (any more).
pub(super) async fn look(api: &Api, job: &str) -> Result<Option<Looked>, Error> {
    let attempted = "ask how a bulk job stands";
    let call = Call::get(attempted, format!("{}/{job}", paths::BULK_WRITE), CALL).with_priority(Priority::Push);
    match api.try_ask::<Looked>(&call, decode).await? {
        Ok(looked) => Ok(Some(looked)),
        Err(refusal) if refusal.status == 404 || refusal.is("RESOURCE_NOT_FOUND") => Ok(None),
        Err(refusal) => Err(refusal.into_error(attempted)),
    }
}

/// The file of results.
pub(super) async fn results(api: &Api, looked: &Looked) -> Result<Bytes, Error> {
    let attempted = "read the results of a bulk job";
    let place = looked.results_at(&api.downloads_at).map_err(|why| {
        let error = Error::new(ErrorKind::Protocol, attempted, why);
        error.with_fix("nothing is lost: the records are looked at one by one; if Zoho's address is right, write its host as download_url")
    })?;
    let (client, path) = match place {
        ResultsAt::Api(path) => (&api.client, path),
        ResultsAt::Downloads(path) => (&api.downloads, path),
    };
    let call = Call::get(attempted, path.to_owned(), CALL).with_priority(Priority::Push);
    let read = |answer: &Answer| match answer.status.is_success() {
        true => Ok(Ok(answer.body.clone())),
        false => Ok(Err(Refusal::of(answer))),
    };
    client.fetch(&call, read).await?.map_err(|refusal| refusal.into_error(attempted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_fetched_from_known_hosts_only() {
        let downloads = Origin::parse("https://download-accl.zoho.eu").unwrap();
        let at = |url: &str| {
            let result = Some(Download { download_url: Some(url.to_owned()) });
            let looked = Looked { result, ..Looked::default() };
            looked.results_at(&downloads).map(|place| format!("{place:?}")).ok()
        };
        assert_eq!(at("/crm/bulk/v8/write/1/result").as_deref(), Some("Api(\"/crm/bulk/v8/write/1/result\")"));
        let good = at("https://download-accl.zoho.eu/v2/crm/7/bulk-write/1/1.zip");
        assert_eq!(good.as_deref(), Some("Downloads(\"/v2/crm/7/bulk-write/1/1.zip\")"));
        for bad in [
            "//evil.example/x",
            "https://evil.example/v2/x",
            "https://download-accl.zoho.eu.evil.example/x",
            "https://download-accl.zoho.eu@evil.example/x",
            "https://download-accl.zoho.eu//evil.example",
            "http://download-accl.zoho.eu/x",
            "/a b",
            "",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
        assert!(Looked::default().results_at(&downloads).is_err());
    }
}
