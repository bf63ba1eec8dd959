//! Conditions: what equals what, what null does, which literals fit.

use serde_json::json;

use crate::org::Org;

/// Four contacts, told apart by their last names.
async fn people() -> Org {
    let org = Org::with(0).await;
    for person in [
        json!({ "LastName": "Abe", "FirstName": "Dana", "Title": "VP Sales", "Birthdate": "1980-05-01", "Email": "abe@firm.example" }),
        json!({ "LastName": "abé", "FirstName": "Gus", "Title": "100% vp_x", "Birthdate": "1990-05-01" }),
        json!({ "LastName": "Chen", "HasOptedOutOfEmail": true, "Title": "O'Neil \\ Co" }),
        json!({ "LastName": "Dahl" }),
    ] {
        org.create("Contact", person).await;
    }
    org
}

impl Org {
    /// Last names that pass, sorted.
    async fn passing(&self, condition: &str) -> String {
        let rows = self.rows(&format!("SELECT LastName FROM Contact WHERE {condition} ORDER BY LastName")).await;
        rows.iter().filter_map(|row| row["LastName"].as_str()).collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test]
async fn text_is_compared_without_case_and_null_is_no_value() {
    let org = people().await;
    for (condition, passing) in [
        ("LastName = 'ABE'", "Abe"),
        ("LastName = 'ABÉ'", "abé"),
        ("LastName != 'abe'", "abé Chen Dahl"),
        ("Title != 'vp sales'", "abé Chen Dahl"),
        ("Title = null", "Dahl"),
        ("Title = ''", "Dahl"),
        ("Title != NULL", "Abe abé Chen"),
        ("Title > 'p'", "Abe"),
        ("NOT Title > 'p'", "abé Chen Dahl"),
        ("Title LIKE 'vp%'", "Abe"),
        ("Title LIKE '%VP%'", "Abe abé"),
        (r"Title LIKE '100\%%'", "abé"),
        (r"Title LIKE '%vp\_x'", "abé"),
        (r"Title LIKE '%vp\_s%'", ""),
        ("Title LIKE '%vp_s%'", "Abe"),
        (r"Title = 'o\'neil \\ CO'", "Chen"),
        (r"LastName = '\u0041be'", "Abe"),
        ("Title IN ('vp sales', null)", "Abe Dahl"),
        ("Title NOT IN ('vp sales')", "abé Chen Dahl"),
        ("HasOptedOutOfEmail = true", "Chen"),
        ("HasOptedOutOfEmail != TRUE AND Birthdate != null", "Abe abé"),
        ("Birthdate < 1985-01-01", "Abe"),
        ("Birthdate >= 1990-05-01", "abé"),
        ("(FirstName = 'dana' AND Title LIKE 'v%') OR LastName = 'Dahl'", "Abe Dahl"),
        ("CreatedDate = TODAY AND CreatedDate = LAST_N_DAYS:1 AND CreatedDate > YESTERDAY", "Abe abé Chen Dahl"),
        ("CreatedDate < TODAY OR CreatedDate = TOMORROW", ""),
        ("Contact.LastName = 'Abe'", "Abe"),
        ("Email = 'ABE@FIRM.EXAMPLE'", "Abe"),
        ("Email IN ('abe@firm.example', 'nobody@firm.example')", "Abe"),
    ] {
        assert_eq!(org.passing(condition).await, passing, "{condition}");
    }
}

#[tokio::test]
async fn ids_are_compared_by_their_fifteen_characters_with_case() {
    let org = people().await;
    let rows = org.rows("SELECT Id, LastName FROM Contact ORDER BY Id").await;
    let id = |at: usize| rows[at]["Id"].as_str().expect("an id");
    assert_eq!(
        rows.iter().filter_map(|row| row["LastName"].as_str()).collect::<Vec<_>>(),
        ["Abe", "abé", "Chen", "Dahl"]
    );
    for condition in [
        format!("Id = '{}'", id(1)),
        format!("Id = '{}'", &id(1)[..15]),
        format!("Id > '{}' AND Id < '{}'", id(0), id(2)),
        format!("Id IN ('{}', '001xx000004TmiQAAS')", id(1)),
        format!("Id NOT IN ('{}','{}','{}')", id(0), id(2), id(3)),
    ] {
        assert_eq!(org.passing(&condition).await, "abé", "{condition}");
    }
    assert_eq!(org.passing("Id > '003000000000000' AND Id > '000000000000000AAA'").await, "Abe abé Chen Dahl");
    let folded = id(1)[..15].to_ascii_lowercase();
    assert_eq!(org.passing(&format!("Id = '{folded}'")).await, "");
    assert_eq!(
        org.refused("SELECT Id FROM Contact WHERE Id = '003'").await,
        (
            "INVALID_QUERY_FILTER_OPERATOR".into(),
            "\nSELECT Id FROM Contact WHERE Id = '003'\n                             ^\nERROR at Row:1:Column:30\n\
             invalid ID field: 003"
                .into()
        )
    );
}

#[tokio::test]
async fn a_literal_of_the_wrong_kind_is_an_invalid_field() {
    let org = Org::with(1).await;
    for (condition, says) in [
        ("SystemModstamp > 2026-03-04", "must be of type dateTime and should not be enclosed in quotes"),
        ("SystemModstamp > '2026-03-04T05:06:07Z'", "must be of type dateTime and should not be enclosed in quotes"),
        ("Birthdate = 2026-03-04T05:06:07Z", "must be of type date and should not be enclosed in quotes"),
        ("LastName = 5", "must be of type string and should be enclosed in quotes"),
        ("LastName = TODAY", "must be of type string and should be enclosed in quotes"),
        ("HasOptedOutOfEmail = 'true'", "must be of type boolean and should not be enclosed in quotes"),
        ("Account.AnnualRevenue > '5'", "must be of type double and should not be enclosed in quotes"),
        ("LastName IN ('a', 5)", "must be of type string and should be enclosed in quotes"),
    ] {
        let (code, message) = org.refused(&format!("SELECT Id FROM Contact WHERE {condition}")).await;
        assert_eq!(code, "INVALID_FIELD", "{condition}");
        assert!(message.ends_with(says), "{condition}: {message}");
    }
    for condition in [
        "Id LIKE '003%'",
        "Birthdate LIKE '1%'",
        "HasOptedOutOfEmail > false",
        "LastName > null",
        "LastName INCLUDES ('a')",
    ] {
        let (code, _) = org.refused(&format!("SELECT Id FROM Contact WHERE {condition}")).await;
        assert_eq!(code, "INVALID_QUERY_FILTER_OPERATOR", "{condition}");
    }
}

#[tokio::test]
async fn a_subselect_chooses_by_id() {
    let org = Org::with(0).await;
    let account = org.create("Account", json!({ "Name": "Acme" })).await;
    let inside = org.create("Contact", json!({ "LastName": "In", "AccountId": account })).await;
    org.create("Contact", json!({ "LastName": "Out" })).await;
    let deal = json!({ "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-01", "AccountId": account });
    let deal = org.create("Opportunity", deal).await;
    org.create("OpportunityContactRole", json!({ "OpportunityId": deal, "ContactId": inside })).await;
    let roles = "(SELECT ContactId FROM OpportunityContactRole WHERE Opportunity.Name = 'deal')";
    assert_eq!(org.passing(&format!("Id IN {roles}")).await, "In");
    assert_eq!(org.passing(&format!("Id NOT IN {roles} AND LastName != 'x'")).await, "Out");
    assert_eq!(org.passing("AccountId IN (SELECT Id FROM Account WHERE Name LIKE 'ac%')").await, "In");
    for (condition, code) in [
        (format!("Id IN {roles} AND Id IN {roles} AND Id IN {roles}"), "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS"),
        (format!("LastName = 'x' OR Id IN {roles}"), "MALFORMED_QUERY"),
        ("Id IN (SELECT Id FROM Contact)".to_owned(), "MALFORMED_QUERY"),
        ("Id IN (SELECT Role FROM OpportunityContactRole)".to_owned(), "MALFORMED_QUERY"),
        ("LastName IN (SELECT Id FROM Account)".to_owned(), "MALFORMED_QUERY"),
        ("AccountId IN (SELECT Id FROM Account ORDER BY Id LIMIT 1)".to_owned(), "MALFORMED_QUERY"),
        ("AccountId IN (SELECT Id FROM Nope)".to_owned(), "INVALID_TYPE"),
    ] {
        let (found, message) = org.refused(&format!("SELECT Id FROM Contact WHERE {condition}")).await;
        assert_eq!(found, code, "{condition}: {message}");
    }
}
