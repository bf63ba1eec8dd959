//! The CRMs the experiment runs on, and the words in which they differ.

use clap::ValueEnum;

/// Whose mock is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vendor {
    Hubspot,
    Salesforce,
    Dynamics,
    Zoho,
}

impl Vendor {
    /// The word of `ferry mock` and of `type = "…"`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Salesforce => "salesforce",
            Self::Dynamics => "dynamics",
            Self::Zoho => "zoho",
        }
    }

    /// Contacts in the mock's ledger.
    pub fn contacts(self) -> &'static str {
        match self {
            Self::Hubspot => "contacts",
            Self::Salesforce => "Contact",
            Self::Dynamics => "contact",
            Self::Zoho => "Contacts",
        }
    }

    pub fn email(self) -> &'static str {
        match self {
            Self::Hubspot => "email",
            Self::Dynamics => "emailaddress1",
            Self::Salesforce | Self::Zoho => "Email",
        }
    }

    /// What reps edit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hubspot | Self::Dynamics => "jobtitle",
            Self::Salesforce | Self::Zoho => "Title",
        }
    }

    /// Ferry's own key.
    pub fn key(self) -> &'static str {
        match self {
            Self::Hubspot => "cdp_profile_id",
            Self::Salesforce => "CDP_Profile_Id__c",
            Self::Dynamics => "new_cdp_profile_id",
            Self::Zoho => "CDP_profile_id",
        }
    }

    pub fn page_views(self) -> &'static str {
        match self {
            Self::Hubspot => "cdp_page_views_30d",
            Self::Salesforce => "CDP_Page_Views_30d__c",
            Self::Dynamics => "new_cdp_page_views_30d",
            Self::Zoho => "CDP_page_views_30d",
        }
    }

    /// The CRM's own fields that the preset pushes.
    pub fn pushed(self) -> &'static [&'static str] {
        match self {
            Self::Hubspot => &["email", "firstname", "lastname", "phone"],
            Self::Salesforce => &["Email", "FirstName", "LastName", "Phone"],
            Self::Dynamics => &["emailaddress1", "firstname", "lastname", "telephone1"],
            Self::Zoho => &["Email", "First_Name", "Last_Name", "Phone"],
        }
    }

    /// Fields that the CRM itself moves along with any write.
    pub fn is_moved_along(self, field: &str) -> bool {
        match self {
            Self::Hubspot => field.starts_with("hs_") || field.contains("modified"),
            Self::Salesforce => matches!(field, "SystemModstamp" | "LastModifiedDate" | "LastModifiedById"),
            Self::Dynamics => {
                matches!(field, "modifiedon" | "versionnumber" | "fullname" | "modifiedby" | "_modifiedby_value")
            }
            Self::Zoho => matches!(field, "Modified_Time" | "Modified_By" | "Full_Name" | "Last_Activity_Time"),
        }
    }

    /// Lines of the connection in `sync.toml`. A bulk job is used for everything that is more than a handful.
    pub fn connection(self, url: &str) -> String {
        match self {
            Self::Hubspot => format!("base_url = \"{url}\"\ntoken = {{ env = \"KILL_SECRET\" }}"),
            Self::Salesforce => format!(
                "login_url = \"{url}\"\nclient_id = \"mock-client\"\nclient_secret = {{ env = \"KILL_SECRET\" }}\n\
                 bulk_push_above = 4\nbulk_pull_above = 60\nlag = \"0s\""
            ),
            Self::Dynamics => format!(
                "base_url = \"{url}\"\ntoken_url = \"{url}/acme/oauth2/v2.0/token\"\nclient_id = \"mock-client\"\n\
                 client_secret = {{ env = \"KILL_SECRET\" }}"
            ),
            // Nobody can ask about a job whose start was not answered: it is waited for, here no longer than the mock takes.
            Self::Zoho => format!(
                "token_url = \"{url}/oauth/v2/token\"\nbase_url = \"{url}\"\nclient_id = \"mock-client\"\n\
                 client_secret = {{ env = \"KILL_CLIENT_SECRET\" }}\nrefresh_token = {{ env = \"KILL_SECRET\" }}\n\
                 bulk_pull_above = 60\nbulk_push_above = 4\nbulk_lost_wait = \"1s\""
            ),
        }
    }

    /// What the mock is told before anything begins: ten tokens in ten minutes are for Ferry, and a bulk job that nobody asks
    /// for is over before nobody waits for it any more.
    pub fn mock_config(self) -> &'static str {
        match self {
            Self::Zoho => r#"{"refresh_limit":100000,"job_unwatched_ms":300,"bulk_page_rows":50}"#,
            _ => "{}",
        }
    }

    /// The path at which bulk writes are asked for, where there are any.
    pub fn bulk_writes(self) -> Option<&'static str> {
        match self {
            Self::Salesforce => Some("/jobs/ingest"),
            Self::Zoho => Some("/crm/bulk/v8/write"),
            Self::Hubspot | Self::Dynamics => None,
        }
    }

    /// The secret those lines name.
    pub fn secret(self) -> &'static str {
        match self {
            Self::Hubspot => "mock-token",
            Self::Salesforce | Self::Dynamics => "mock-secret",
            Self::Zoho => "mock-refresh",
        }
    }

    /// Whether a merge can be told from a deletion: at Zoho nobody can, so that what the loser did stays with the loser.
    pub fn tells_merges(self) -> bool {
        self != Self::Zoho
    }

    /// Where the program can be made to die, by the name of the failpoint.
    pub fn failpoints(self) -> Vec<&'static str> {
        const EVERYWHERE: [&str; 7] = [
            "before_apply",
            "after_apply",
            "after_intent",
            "before_send",
            "after_send",
            "before_outcome",
            "after_outcome",
        ];
        const BULK: [&str; 6] = [
            "bulk_before_create",
            "bulk_created",
            "bulk_uploaded",
            "bulk_closed",
            "bulk_polling",
            "bulk_before_results",
        ];
        let is_own = |point: &&&str| match self {
            Self::Hubspot | Self::Dynamics => false,
            Self::Salesforce => true,
            // Its file goes up before there is a job, and a job begins when it is made.
            Self::Zoho => !matches!(**point, "bulk_uploaded" | "bulk_closed"),
        };
        EVERYWHERE.iter().chain(BULK.iter().filter(is_own)).copied().collect()
    }
}
