//! A Zoho connection as people write it, right and wrong.

use connector::{Object, Secret};

use super::{parsed, valid};
use crate::config::ClientId;
use crate::config::vendor::{VendorSettings, ZohoPlace, ZohoSettings};

const HEAD: &str = "preset = \"b2b\"\n[[crm]]\nname = \"zoho\"\ntype = \"zoho\"\n";
const APP: &str =
    "client_id = \"1000.APP\"\nclient_secret = { env = \"SECRET\" }\nrefresh_token = { env = \"REFRESH\" }\n";

fn own(lines: &str) -> ZohoSettings {
    let settings = valid(&format!("{HEAD}{lines}"));
    let VendorSettings::Zoho(own) = settings.connections[0].vendor.clone() else { panic!("{settings:?}") };
    own
}

fn problems(lines: &str) -> Vec<String> {
    let Err(failure) = parsed(&format!("{HEAD}{lines}")) else { return Vec::new() };
    failure.errors.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect()
}

#[test]
fn a_data_centre_and_an_app_are_all_it_takes() {
    let own = own(&format!("data_center = \"eu\"\n{APP}"));
    assert_eq!(own.place, ZohoPlace::DataCentre { name: "eu", base_url: None });
    assert_eq!(own.client_id, ClientId::Written("1000.APP".into()));
    assert_eq!(own.secrets(), [&Secret::Env("SECRET".into()), &Secret::Env("REFRESH".into())]);
    assert_eq!((own.bulk_pull_above, own.bulk_push_above, own.overlap.as_secs()), (20_000, 5_000, 300));
    assert!(own.trigger.is_empty() && own.upload_url.is_none());
}

#[test]
fn everything_else_can_be_said() {
    let own = own(&format!(
        "{APP}token_url = \"http://127.0.0.1:7204/oauth/v2/token\"\nbase_url = \"http://127.0.0.1:7204/\"\n\
         upload_url = \"http://127.0.0.1:7204\"\ndownload_url = \"http://127.0.0.1:7204\"\nbulk_lost_wait = \"20m\"\ntrigger = [\"workflow\"]\nbulk_pull_above = 9\nbulk_push_above = 4\noverlap = \"0s\"\n"
    ));
    let (token_url, base_url) = ("http://127.0.0.1:7204/oauth/v2/token".into(), "http://127.0.0.1:7204".into());
    assert_eq!(own.place, ZohoPlace::Hosts { token_url, base_url });
    assert_eq!((own.trigger.as_slice(), own.overlap.as_secs()), (&["workflow".to_owned()][..], 0));
    assert_eq!((own.download_url.as_deref(), own.bulk_lost_wait.as_secs()), (Some("http://127.0.0.1:7204"), 1_200));
    let sandbox = self::own(&format!("data_center = \"us\"\nbase_url = \"https://sandbox.zohoapis.com\"\n{APP}"));
    let base_url = Some("https://sandbox.zohoapis.com".to_owned());
    assert_eq!(sandbox.place, ZohoPlace::DataCentre { name: "us", base_url });
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let check = |lines: &str, expected: &[&str]| assert_eq!(problems(lines), expected, "{lines}");
    check(APP, &["E012 `data_center` is required for type \"zoho\""]);
    let missing = ["client_secret", "refresh_token", "client_id"];
    let missing = missing.map(|key| format!("E012 `{key}` is required for type \"zoho\""));
    assert_eq!(problems("data_center = \"eu\"\n"), missing);
    let token_url = "token_url = \"https://accounts.zoho.uk/oauth/v2/token\"\n";
    check(&format!("{APP}{token_url}"), &["E012 `base_url` is required beside `token_url` for type \"zoho\""]);
    let both = "E012 `data_center` and `token_url` are both set in `[[crm]]` \"zoho\"";
    check(&format!("{APP}{token_url}data_center = \"eu\"\n"), &[both]);
    check(&format!("{APP}data_center = \"mars\"\n"), &["E006 data_center \"mars\" is not valid"]);
    check(&format!("{APP}data_center = \"eu\"\ntrigger = [\"mail\"]\n"), &["E006 trigger \"mail\" is not valid"]);
}

#[test]
fn the_preset_names_fields_as_zoho_does() {
    let settings = valid(&format!("{HEAD}data_center = \"eu\"\n{APP}"));
    let fields = |object: &Object| -> Vec<String> {
        let mapping = settings.connections[0].objects.iter().find(|mapping| mapping.object == *object).unwrap();
        mapping.fields.iter().map(|field| field.field.to_string()).collect()
    };
    assert!(fields(&Object::Contact).contains(&"CDP_visits_30d".to_owned()));
    assert!(fields(&Object::Lead).contains(&"CDP_profile_id".to_owned()));
    assert_eq!(fields(&Object::Company), ["Account_Name", "Website"]);
}
