//! What the Web API says no with: a status, a code, a sentence, and the annotations whoever asked for them gets.

use serde_json::{Map, Value, json};

use super::prefer::Patterns;
use crate::exchange::Reply;

pub const JSON: &str = "application/json; odata.metadata=minimal";

#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), retry_after: None }
    }

    /// A query, an address or a version the service does not understand.
    pub fn query(message: impl Into<String>) -> Self {
        Self::new(400, "0x80060888", message)
    }

    /// A body that does not fit the model.
    pub fn payload(set: &str, inner: impl std::fmt::Display) -> Self {
        let message = format!(
            "Error identified in Payload provided by the user for Entity :'{set}', For more information on this error \
             please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : \
             Microsoft.OData.ODataException: {inner}"
        );
        Self::new(400, "0x80048d19", message)
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "0x80040203", message)
    }

    pub fn no_property(name: &str, logical: &str) -> Self {
        Self::query(format!("Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{logical}'."))
    }

    pub fn no_segment(name: &str) -> Self {
        Self::new(404, "0x80060888", format!("Resource not found for the segment '{name}'."))
    }

    pub fn no_row(logical: &str, id: impl std::fmt::Display) -> Self {
        Self::new(404, "0x80040217", format!("{logical} With Id = {id} Does Not Exist"))
    }

    pub fn no_such_method(what: &str) -> Self {
        Self::new(405, "0x80060888", format!("The requested resource does not support http method '{what}'."))
    }

    pub fn reply(&self, asked: &Patterns, blank: bool) -> Reply {
        let mut error = Map::new();
        error.insert("code".into(), json!(if blank { "" } else { self.code.as_str() }));
        error.insert("message".into(), json!(self.message));
        let signed = u32::from_str_radix(self.code.trim_start_matches("0x"), 16).unwrap_or(0);
        let details = [
            ("Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus", json!("0")),
            ("Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode", json!(signed.to_string())),
            (
                "Microsoft.PowerApps.CDS.HelpLink",
                json!(format!(
                    "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a{signed:x}&client=platform"
                )),
            ),
            (
                "Microsoft.PowerApps.CDS.TraceText",
                json!(format!("\r\n[Microsoft.Mock: Dataverse]\r\n\tError Message:\r\n\t{}\r\n", self.message)),
            ),
            ("Microsoft.PowerApps.CDS.InnerError.Message", json!(self.message)),
        ];
        for (name, value) in details {
            if asked.want(name) {
                error.insert(format!("@{name}"), value);
            }
        }
        let mut reply = Reply::json(self.status, &json!({ "error": Value::Object(error) }));
        reply.content_type = JSON;
        match self.retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }
}
