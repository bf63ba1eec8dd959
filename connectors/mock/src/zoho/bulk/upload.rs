//! `POST /crm/v8/upload`: a ZIP of one CSV for a bulk write. The vendor has a host of its own for it; here it is this one.

use serde_json::json;

use super::super::datum::stamp;
use super::super::ids::ORG_ID;
use super::super::org::Org;
use super::super::refusal::Refusal;
use crate::archive;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::multipart;

const LARGEST_ZIP: usize = 25 * 1024 * 1024;
/// What a ZIP may grow to.
const LARGEST_CSV: usize = 200 * 1024 * 1024;

/// A file that waits for its job.
pub struct Upload {
    pub made: Millis,
    pub name: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Org {
    pub fn upload(&mut self, core: &Core, call: &Call) -> Result<Reply, Refusal> {
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        if header("feature") != "bulk-write" || header("x-crm-org") != ORG_ID.to_string() {
            let text = "check if headers [feature, X-CRM-ORG] are present and valid";
            return Ok(Refusal::invalid(text).reply().with("x-error", text));
        }
        let boundary = multipart::boundary(header("content-type"));
        let parts = boundary.map(|boundary| multipart::parts(&call.body, boundary)).unwrap_or_default();
        let file = parts.into_iter().find(|part| part.name == "file");
        let file = file.ok_or_else(|| Refusal::missing_key("file"))?;
        if file.content.len() > LARGEST_ZIP {
            return Err(Refusal::new(413, "REQUEST_ENTITY_TOO_LARGE", "file size exceeds the limit"));
        }
        let wrong = || {
            let message = "invalid file format. only zip format is supported";
            Refusal::new(400, "INVALID_FILE_FORMAT", message)
        };
        let (name, content) = archive::unpack_first(file.content, LARGEST_CSV).ok_or_else(wrong)?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content.as_slice());
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|_| wrong())?;
            rows.push(row.iter().map(str::to_owned).collect::<Vec<String>>());
        }
        if rows.is_empty() {
            return Err(Refusal::new(400, "INVALID_FILE_FORMAT", "the file has no header"));
        }
        let header = rows.remove(0);
        let id = self.bulk.fresh().to_string();
        self.bulk.files.insert(id.clone(), Upload { made: core.now, name, header, rows });
        let details = json!({ "file_id": id, "created_time": stamp(core.now, self.knobs.offset_min) });
        Ok(Reply::json(
            200,
            &json!({ "status": "success", "code": "FILE_UPLOAD_SUCCESS", "message": "file uploaded.", "details": details }),
        ))
    }
}
