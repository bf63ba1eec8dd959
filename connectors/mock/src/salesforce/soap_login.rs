//! Signing in over SOAP, for clients that know nothing else: `login` and `logout` of the partner API, which the vendor
//! withdrew in version 65.

use super::auth;
use super::ids::{ORGANIZATION, SYNC_USER};
use super::org::Org;
use super::setup::SYNC_USERNAME;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const XML: &str = "text/xml; charset=UTF-8";
const NEWEST_WITH_LOGIN: u32 = 64;
const OLDEST: u32 = 31;

impl Org {
    /// `POST /services/Soap/u/{version}` (`c` for the enterprise flavour).
    pub fn soap_call(&mut self, core: &mut Core, call: &Call, version: &str) -> Reply {
        let number = version.split('.').next().and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        let body = String::from_utf8_lossy(&call.body);
        if element(&body, "login").is_none() {
            if element(&body, "logout").is_none() {
                return fault("INVALID_OPERATION", "this mock answers login and logout");
            }
            if let Some(session) = element(&body, "sessionId") {
                self.sessions.end(&session);
            }
            return envelope(200, "<logoutResponse/>");
        }
        if !(OLDEST..=NEWEST_WITH_LOGIN).contains(&number) {
            return fault("UNSUPPORTED_API_VERSION", "login() is not supported by this API version");
        }
        let username = element(&body, "username").unwrap_or_default();
        let password = element(&body, "password").unwrap_or_default();
        if !username.eq_ignore_ascii_case(SYNC_USERNAME) || !password.starts_with(auth::PASSWORD) {
            return fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.");
        }
        let session = self.sessions.sign_in(core, &self.knobs);
        let server = format!("{}/services/Soap/u/{version}/{}", core.base_url, ORGANIZATION.short());
        envelope(
            200,
            &format!(
                "<loginResponse><result><metadataServerUrl>{base}/services/Soap/m/{version}/{org}</metadataServerUrl>\
                 <passwordExpired>false</passwordExpired><sandbox>false</sandbox><serverUrl>{server}</serverUrl>\
                 <sessionId>{session}</sessionId><userId>{SYNC_USER}</userId><userInfo>\
                 <organizationId>{ORGANIZATION}</organizationId><organizationName>Acme</organizationName>\
                 <sessionSecondsValid>{seconds}</sessionSecondsValid><userEmail>{SYNC_USERNAME}</userEmail>\
                 <userFullName>CDP Sync</userFullName><userId>{SYNC_USER}</userId><userName>{SYNC_USERNAME}</userName>\
                 <userType>Standard</userType></userInfo></result></loginResponse>",
                base = core.base_url,
                org = ORGANIZATION.short(),
                seconds = self.knobs.session_ttl_s,
            ),
        )
    }
}

fn envelope(status: u16, body: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" \
         xmlns:sf=\"urn:fault.partner.soap.sforce.com\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    Reply { status, content_type: XML, headers: Vec::new(), body: text.into_bytes() }
}

fn fault(code: &str, message: &str) -> Reply {
    let detail = format!(
        "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>\
         <sf:LoginFault xsi:type=\"sf:LoginFault\"><sf:exceptionCode>{code}</sf:exceptionCode>\
         <sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    );
    envelope(500, &detail)
}

/// The text at the start of the first element of this local name, whatever its prefix; none when there is no such element.
fn element(xml: &str, local: &str) -> Option<String> {
    let opens = |tag: &&str| {
        let name = tag.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or("");
        name.rsplit(':').next() == Some(local)
    };
    // A closing tag starts with a slash, so its name is empty here.
    let tag = xml.split('<').skip(1).find(opens)?;
    let (_, text) = tag.split_once('>')?;
    Some(unescape(text.trim()))
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    // Last, or an escaped ampersand would start another entity.
    plain.replace("&#x27;", "'").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_under_any_prefix_and_unescaped() {
        let xml = "<?xml version='1.0'?><e:Body><n1:login xmlns:n1=\"urn:x\"><n1:username>a&amp;lt;b</n1:username>\
                   <password >p&lt;w</password></n1:login></e:Body>";
        assert_eq!(element(xml, "username").as_deref(), Some("a&lt;b"));
        assert_eq!(element(xml, "password").as_deref(), Some("p<w"));
        assert_eq!(element(xml, "login").as_deref(), Some(""));
        assert_eq!(element(xml, "logout"), None);
        assert_eq!(element("<a", "a"), None);
    }
}
