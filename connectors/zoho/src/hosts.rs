//! Zoho's data centres: each has a host for tokens, one for the API, one for files. Nothing an answer says leads anywhere
//! else (`zoho.md` §1.1).

use connector::{Error, ErrorKind};
use connector_http::Origin;
use url::Host;

use crate::auth::ATTEMPTED;

/// One of Zoho's data centres. An account lives in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataCentre {
    name: &'static str,
    accounts: &'static str,
    /// What follows `www.`, `sandbox.` and `developer.`.
    api: &'static str,
    upload: &'static str,
    download: &'static str,
}

const fn centre(
    name: &'static str,
    accounts: &'static str,
    api: &'static str,
    upload: &'static str,
    download: &'static str,
) -> DataCentre {
    DataCentre { name, accounts, api, upload, download }
}

impl DataCentre {
    /// All that are known; an account elsewhere is reached by writing its hosts out.
    pub const ALL: [Self; 8] = [
        centre("us", "accounts.zoho.com", "zohoapis.com", "content.zohoapis.com", "download-accl.zoho.com"),
        centre("eu", "accounts.zoho.eu", "zohoapis.eu", "content.zohoapis.eu", "download-accl.zoho.eu"),
        centre("in", "accounts.zoho.in", "zohoapis.in", "content.zohoapis.in", "download-accl.zoho.in"),
        centre("au", "accounts.zoho.com.au", "zohoapis.com.au", "content.zohoapis.com.au", "download-accl.zoho.com.au"),
        centre("jp", "accounts.zoho.jp", "zohoapis.jp", "content.zohoapis.jp", "download-accl.zoho.jp"),
        centre("cn", "accounts.zoho.com.cn", "zohoapis.com.cn", "content.zohoapis.com.cn", "download-accl.zoho.com.cn"),
        centre("ca", "accounts.zohocloud.ca", "zohoapis.ca", "upload.zohocloud.ca", "download-accl.zohocloud.ca"),
        centre("sa", "accounts.zoho.sa", "zohoapis.sa", "files.zoho.sa", "download-accl.zoho.sa"),
    ];

    /// The word in `data_center = "…"`.
    pub fn name(self) -> &'static str {
        self.name
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|centre| centre.name == name)
    }

    /// Where its tokens come from.
    pub fn token_url(self) -> String {
        format!("https://{}/oauth/v2/token", self.accounts)
    }

    /// Where its API is for accounts that are neither a sandbox nor a developer's.
    pub fn base_url(self) -> String {
        format!("https://www.{}", self.api)
    }

    pub fn upload_url(self) -> String {
        format!("https://{}", self.upload)
    }

    /// Where the results of bulk write jobs are fetched: their addresses name this host, not the API's.
    pub fn download_url(self) -> String {
        format!("https://{}", self.download)
    }

    /// The data centre a token URL belongs to.
    pub(crate) fn of(token_url: &Origin) -> Option<Self> {
        let host = token_url.url().host_str()?;
        Self::ALL.into_iter().find(|centre| token_url.is_https() && host == centre.accounts)
    }

    fn serves(self, origin: &Origin) -> bool {
        let Some(Host::Domain(host)) = origin.url().host() else { return false };
        let known = ["www", "sandbox", "developer"].iter().any(|part| host == format!("{part}.{}", self.api));
        known && origin.is_https() && origin.url().port().is_none() && origin.url().path() == "/"
    }
}

/// The hosts of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    pub token: Origin,
    pub base: Option<Origin>,
    pub centre: Option<DataCentre>,
}

impl Hosts {
    /// Where the API is, by the sign-in's answer; `None` is the configured place. An answer that names a host which is
    /// neither is refused: the token would go there next.
    pub fn api(&self, named: Option<&str>) -> Result<Option<Origin>, Error> {
        if self.base.is_some() {
            return Ok(None);
        }
        let refused = |why: &str| {
            Error::new(ErrorKind::Protocol, ATTEMPTED, format!("the answer's api_domain {why}"))
                .with_fix("if the API really is there, write its address as base_url")
        };
        let Some(named) = named else { return Ok(None) };
        let origin = Origin::parse(named).map_err(|error| refused(&error.to_string()))?;
        if self.centre.is_some_and(|centre| centre.serves(&origin)) {
            return Ok(Some(origin));
        }
        if self.centre.is_none() && origin.url().origin() == self.token.url().origin() {
            return Ok(Some(origin));
        }
        Err(refused("names a host that is neither one of the data centre's nor the configured one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(token: &str, base: Option<&str>) -> Hosts {
        let token = Origin::parse(token).unwrap();
        Hosts { centre: DataCentre::of(&token), base: base.map(|url| Origin::parse(url).unwrap()), token }
    }

    #[test]
    fn only_hosts_of_the_same_data_centre_are_taken_from_an_answer() {
        let eu = hosts("https://accounts.zoho.eu/oauth/v2/token", None);
        for good in ["https://www.zohoapis.eu", "https://sandbox.zohoapis.eu", "https://developer.zohoapis.eu"] {
            assert_eq!(eu.api(Some(good)).unwrap().unwrap().to_string(), good);
        }
        for bad in [
            "https://www.zohoapis.com",
            "https://evil.example",
            "https://www.zohoapis.eu.evil.example",
            "https://evil.zohoapis.eu",
            "https://www.zohoapis.eu:8443",
            "http://www.zohoapis.eu",
            "https://www.zohoapis.eu/path",
            "http://127.0.0.1:9",
        ] {
            let error = eu.api(Some(bad)).unwrap_err();
            assert!(error.fix.is_some() && !error.cause.contains("evil"), "{bad}");
        }
        assert_eq!(eu.api(None).unwrap(), None);
    }

    #[test]
    fn a_configured_address_is_the_only_one_and_a_mock_stays_where_it_is() {
        let pinned = hosts("https://accounts.zoho.com/oauth/v2/token", Some("https://sandbox.zohoapis.com"));
        assert_eq!(pinned.api(Some("https://evil.example")).unwrap(), None);
        let mock = hosts("http://127.0.0.1:7204/oauth/v2/token", None);
        assert!(mock.api(Some("http://127.0.0.1:7204")).unwrap().is_some());
        assert!(mock.api(Some("http://127.0.0.1:7205")).is_err());
        assert!(mock.api(Some("https://www.zohoapis.com")).is_err());
    }

    #[test]
    fn every_data_centre_has_a_name_of_its_own() {
        for centre in DataCentre::ALL {
            assert_eq!(DataCentre::named(centre.name()), Some(centre));
            assert_eq!(DataCentre::of(&Origin::parse(&centre.token_url()).unwrap()), Some(centre));
            assert!(centre.serves(&Origin::parse(&centre.base_url()).unwrap()));
            assert!(Origin::parse(&centre.upload_url()).is_ok() && Origin::parse(&centre.download_url()).is_ok());
        }
        assert_eq!(DataCentre::named("mars"), None);
    }
}
