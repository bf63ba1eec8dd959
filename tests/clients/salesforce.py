"""The most used Python client for Salesforce, unchanged, against the Salesforce mock.

Takes the mock's banner (one JSON object) as its argument. The library speaks https to hosts under salesforce.com and
nothing else, so its session here sends every request to the mock by plain http; what it sends and how it reads the
answers is its own.
"""

import json
import sys
import unittest
import urllib.request
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

BANNER = json.loads(sys.argv.pop())
URL = BANNER["url"]
PEOPLE = 2600


class PlainSession(requests.Session):
    """Every request goes to the mock, whatever host the library asks for."""

    def __init__(self):
        super().__init__()
        self.trust_env = False
        self.asked = []

    def request(self, method, url, *arguments, **named):
        parts, mock = urlsplit(url), urlsplit(URL)
        self.asked.append((method, parts.path))
        plain = urlunsplit((mock.scheme, mock.netloc, parts.path, parts.query, ""))
        return super().request(method, plain, *arguments, **named)


def control(method, path, body=None):
    """A call to the mock's control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/__mock/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def signed_in(**more):
    """A client signed in with client credentials, as a daemon would be."""
    return Salesforce(
        consumer_key=BANNER["client_id"],
        consumer_secret=BANNER["client_secret"],
        domain="acme.my",
        version="67.0",
        session=PlainSession(),
        **more,
    )


def codes(refused):
    return [each["errorCode"] for each in refused.exception.content]


class Org(unittest.TestCase):
    def setUp(self):
        control("POST", "reset", {})
        control("PUT", "config", {"field_permissions": False})
        self.sf = signed_in()

    def add_key(self, name="CDP_Profile_Id__c", unique=True):
        """Our external key on Contact."""
        metadata = {
            "type": "Text", "label": "CDP Profile Id", "length": 64,
            "externalId": True, "unique": unique, "caseSensitive": True,
        }
        made = self.sf.toolingexecute(
            "sobjects/CustomField/", "POST", {"FullName": f"Contact.{name}", "Metadata": metadata}
        )
        self.assertTrue(made["success"], made)

    def address(self, email):
        return self.sf.query(f"SELECT Id, Email FROM Contact WHERE Email = '{email}'")["records"]


class Reading(Org):
    def test_describe(self):
        everything = self.sf.describe()
        self.assertEqual((everything["encoding"], everything["maxBatchSize"]), ("UTF-8", 200))
        names = {each["name"] for each in everything["sobjects"]}
        self.assertTrue({"Account", "Contact", "Lead", "Opportunity", "Task", "User"} <= names)
        contact = self.sf.Contact.describe()
        fields = {each["name"]: each for each in contact["fields"]}
        self.assertEqual(contact["keyPrefix"], "003")
        self.assertEqual((fields["Email"]["type"], fields["Email"]["length"]), ("email", 80))
        self.assertFalse(fields["SystemModstamp"]["updateable"])
        self.assertEqual(fields["AccountId"]["referenceTo"], ["Account"])
        self.assertEqual(self.sf.Contact.metadata()["objectDescribe"]["name"], "Contact")
        self.assertFalse(self.sf.is_sandbox())

    def test_query_with_parents_and_escapes(self):
        someone = self.sf.query("SELECT Id, Name, Account.Name, Account.Owner.Email FROM Contact LIMIT 1")["records"][0]
        self.assertEqual(list(someone)[0], "attributes")
        self.assertTrue(someone["Account"]["Name"])
        self.assertIn("@", someone["Account"]["Owner"]["Email"])
        self.sf.Contact.create({"LastName": "O'Neil \"Red\"", "Email": "red@firm.example"})
        found = self.sf.query("SELECT Id FROM Contact WHERE LastName = 'O\\'Neil \\\"Red\\\"'")
        self.assertEqual(found["totalSize"], 1)
        self.assertEqual(self.sf.query("SELECT COUNT() FROM Contact")["totalSize"], PEOPLE + 1)

    def test_query_all_over_several_pages(self):
        soql = "SELECT Id, Email, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id"
        everyone = self.sf.query_all(soql, headers={"Sforce-Query-Options": "batchSize=500"})
        self.assertEqual(everyone["totalSize"], PEOPLE)
        self.assertEqual(len({each["Id"] for each in everyone["records"]}), PEOPLE)
        stamps = [each["SystemModstamp"] for each in everyone["records"]]
        self.assertEqual(stamps, sorted(stamps))
        self.assertTrue(all(each["Email"].endswith(".example") for each in everyone["records"]))
        pages = [path for method, path in self.sf.session.asked if "/query/" in path]
        self.assertGreaterEqual(len(pages), 2)

    def test_changes_and_deletions(self):
        first, second = [each["Id"] for each in self.sf.query("SELECT Id FROM Contact LIMIT 2")["records"]]
        self.sf.Contact.update(first, {"Title": "Pilot"})
        self.sf.Contact.delete(second)
        now = datetime.now(timezone.utc)
        start, end = now - timedelta(minutes=10), now + timedelta(minutes=10)
        self.assertEqual(self.sf.Contact.updated(start, end)["ids"], [first])
        deleted = self.sf.Contact.deleted(start, end)
        self.assertEqual([each["id"] for each in deleted["deletedRecords"]], [second])
        self.assertTrue(deleted["latestDateCovered"] and deleted["earliestDateAvailable"])
        gone = f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{second}'"
        self.assertEqual(self.sf.query(gone)["totalSize"], 0)
        self.assertTrue(self.sf.query_all(gone, include_deleted=True)["records"][0]["IsDeleted"])

    def test_limits(self):
        before = self.sf.limits()["DailyApiRequests"]
        self.sf.query("SELECT Id FROM Contact LIMIT 1")
        after = self.sf.limits()["DailyApiRequests"]
        self.assertEqual(before["Remaining"] - after["Remaining"], 2)
        used = self.sf.api_usage["api-usage"]
        self.assertEqual((used.used, used.total), (after["Max"] - after["Remaining"], after["Max"]))


class Writing(Org):
    def test_create_read_update_delete(self):
        made = self.sf.Contact.create({"LastName": "Ruiz", "Email": "m.ruiz@firm.example"})
        self.assertTrue(made["success"] and len(made["id"]) == 18)
        self.assertEqual(self.sf.Contact.get(made["id"])["Email"], "m.ruiz@firm.example")
        self.assertEqual(self.sf.Contact.update(made["id"], {"Title": "Pilot", "Email": None}), 204)
        read = self.sf.Contact.get(made["id"])
        self.assertEqual((read["Title"], read["Email"]), ("Pilot", None))
        self.assertGreaterEqual(read["SystemModstamp"], read["CreatedDate"])
        self.assertEqual(self.sf.Contact.delete(made["id"]), 204)
        with self.assertRaises(SalesforceResourceNotFound) as gone:
            self.sf.Contact.delete(made["id"])
        self.assertEqual(codes(gone), ["ENTITY_IS_DELETED"])

    def test_upsert_by_external_id(self):
        self.add_key()
        path = "CDP_Profile_Id__c/" + quote("p/77", safe="")
        self.assertEqual(self.sf.Contact.upsert(path, {"LastName": "Oyelaran"}), 201)
        answer = self.sf.Contact.upsert(path, {"Title": "Pilot"}, raw_response=True)
        self.assertEqual((answer.status_code, answer.json()["created"]), (200, False))
        self.assertEqual(self.sf.Contact.get(answer.json()["id"])["CDP_Profile_Id__c"], "p/77")
        found = self.sf.Contact.get_by_custom_id("CDP_Profile_Id__c", "p/77")
        self.assertEqual((found["LastName"], found["Title"]), ("Oyelaran", "Pilot"))

    def test_an_ambiguous_key(self):
        self.add_key("Old_Key__c", unique=False)
        for _ in range(2):
            self.sf.Contact.create({"LastName": "Twin", "Old_Key__c": "t-1"})
        with self.assertRaises(SalesforceMoreThanOneRecord) as several:
            self.sf.Contact.upsert("Old_Key__c/t-1", {"Title": "Pilot"})
        self.assertEqual(len(several.exception.content), 2)

    def test_what_is_refused(self):
        with self.assertRaises(SalesforceMalformedRequest) as refused:
            self.sf.Contact.create({"FirstName": "M"})
        self.assertEqual(codes(refused), ["REQUIRED_FIELD_MISSING"])
        with self.assertRaises(SalesforceMalformedRequest) as refused:
            self.sf.query("SELECT Nope FROM Contact")
        self.assertEqual(codes(refused), ["INVALID_FIELD"])
        with self.assertRaises(SalesforceMalformedRequest) as refused:
            self.sf.query("SELECT Id FORM Contact")
        self.assertEqual(codes(refused), ["MALFORMED_QUERY"])
        with self.assertRaises(SalesforceResourceNotFound):
            self.sf.NoSuchThing.describe()
        with self.assertRaises(SalesforceResourceNotFound) as refused:
            self.sf.Contact.get("003xx0000099999AAA")
        self.assertEqual(codes(refused), ["NOT_FOUND"])

    def test_collections_and_composite(self):
        rows = [{"attributes": {"type": "Contact"}, "LastName": name} for name in ("Abe", "Bo")]
        rows.append({"attributes": {"type": "Contact"}, "FirstName": "Nobody"})
        answer = self.sf.restful(
            "composite/sobjects", method="POST", data=json.dumps({"allOrNone": False, "records": rows})
        )
        self.assertEqual([each["success"] for each in answer], [True, True, False])
        self.assertEqual(answer[2]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING")
        body = {"allOrNone": True, "compositeRequest": [
            {"method": "POST", "url": "/services/data/v67.0/sobjects/Account", "referenceId": "acc",
             "body": {"Name": "Norhaven"}},
            {"method": "POST", "url": "/services/data/v67.0/sobjects/Contact", "referenceId": "con",
             "body": {"LastName": "Cruz", "AccountId": "@{acc.id}"}},
        ]}
        answer = self.sf.restful("composite", method="POST", data=json.dumps(body))["compositeResponse"]
        self.assertEqual([each["httpStatusCode"] for each in answer], [201, 201])
        contact = self.sf.Contact.get(answer[1]["body"]["id"])
        self.assertEqual(contact["AccountId"], answer[0]["body"]["id"])

    def test_the_ledger_and_the_headers_are_on_record(self):
        self.sf.Lead.create(
            {"LastName": "Vale", "Company": "Quill"}, headers={"Sforce-Auto-Assign": "FALSE"}
        )
        changes = [json.loads(line) for line in control("GET", "ledger").splitlines()]
        self.assertEqual([(each["op"], each["object"], each["by"]) for each in changes], [("create", "Lead", "api")])
        requests_seen = [json.loads(line) for line in control("GET", "requests").splitlines()]
        write = next(each for each in requests_seen if each["seq"] == changes[0]["request"])
        self.assertEqual(write["headers"]["sforce-auto-assign"], "FALSE")
        self.assertIn("python-requests", write["headers"]["user-agent"])


class Bulk(Org):
    def rows(self, count):
        return [{"LastName": f"Bulk{at}", "Email": f"b{at}@firm.example"} for at in range(count)]

    def test_insert_update_delete(self):
        jobs = self.sf.bulk2.Contact.insert(records=self.rows(250), wait=0)
        self.assertEqual(
            [(job["numberRecordsProcessed"], job["numberRecordsFailed"]) for job in jobs], [(250, 0)]
        )
        done = self.sf.bulk2.Contact.get_successful_records(jobs[0]["job_id"])
        self.assertEqual(len(done.splitlines()), 251)
        self.assertTrue(done.splitlines()[0].startswith('"sf__Id","sf__Created"'))
        known = self.sf.query("SELECT Id FROM Contact WHERE LastName LIKE 'Bulk%'")["records"]
        changes = [{"Id": each["Id"], "Title": "Pilot"} for each in known]
        changes.append({"Id": "003xx0000099999AAA", "Title": "Pilot"})
        jobs = self.sf.bulk2.Contact.update(records=changes, wait=0)
        self.assertEqual((jobs[0]["numberRecordsProcessed"], jobs[0]["numberRecordsFailed"]), (251, 1))
        failed = self.sf.bulk2.Contact.get_failed_records(jobs[0]["job_id"])
        self.assertIn("sf__Error", failed.splitlines()[0])
        self.assertEqual(len(failed.splitlines()), 2)
        self.assertEqual(len(self.sf.bulk2.Contact.get_unprocessed_records(jobs[0]["job_id"]).splitlines()), 1)
        jobs = self.sf.bulk2.Contact.delete(records=[{"Id": each["Id"]} for each in known[:10]], wait=0)
        self.assertEqual((jobs[0]["numberRecordsProcessed"], jobs[0]["numberRecordsFailed"]), (10, 0))
        self.assertEqual(self.sf.query("SELECT COUNT() FROM Contact WHERE Title = 'Pilot'")["totalSize"], 240)

    def test_upsert(self):
        self.add_key()
        rows = [{"CDP_Profile_Id__c": f"p-{at}", "LastName": f"Key{at}"} for at in range(20)]
        for created in ("true", "false"):
            jobs = self.sf.bulk2.Contact.upsert(records=rows, external_id_field="CDP_Profile_Id__c", wait=0)
            self.assertEqual((jobs[0]["numberRecordsProcessed"], jobs[0]["numberRecordsFailed"]), (20, 0))
            done = self.sf.bulk2.Contact.get_successful_records(jobs[0]["job_id"]).splitlines()[1:]
            self.assertTrue(all(line.split(",")[1] == f'"{created}"' for line in done), done[0])
        cleared = [{"CDP_Profile_Id__c": "p-0", "LastName": "Key0", "Title": "#N/A"}]
        self.sf.bulk2.Contact.upsert(records=cleared, external_id_field="CDP_Profile_Id__c", wait=0)
        self.assertIsNone(self.sf.Contact.get_by_custom_id("CDP_Profile_Id__c", "p-0")["Title"])

    def test_query_in_pages(self):
        pages = list(self.sf.bulk2.Contact.query("SELECT Id, Email, Account.Name FROM Contact", max_records=1000, wait=0))
        self.assertEqual([len(page.splitlines()) - 1 for page in pages], [1000, 1000, 600])
        self.assertEqual(pages[0].splitlines()[0], '"Id","Email","Account.Name"')

    def test_query_nothing(self):
        pages = list(self.sf.bulk2.Contact.query("SELECT Id FROM Contact WHERE LastName = 'Nobody'", wait=0))
        self.assertEqual([page.splitlines() for page in pages], [['"Id"']])

    def test_an_unknown_column_fails_the_whole_job(self):
        with self.assertRaises(SalesforceOperationError) as failed:
            self.sf.bulk2.Contact.insert(records=[{"LastName": "X", "Nope__c": "1"}], wait=0)
        self.assertIn("Nope__c", str(failed.exception))
        self.assertEqual(self.sf.query("SELECT COUNT() FROM Contact")["totalSize"], PEOPLE)

    def test_a_bad_query_makes_no_job(self):
        with self.assertRaises(SalesforceMalformedRequest):
            list(self.sf.bulk2.Contact.query("SELECT Nope FROM Contact", wait=0))


class SigningIn(Org):
    def test_a_wrong_secret(self):
        with self.assertRaises(SalesforceAuthenticationFailed) as refused:
            Salesforce(consumer_key="mock-client", consumer_secret="wrong", domain="acme.my", session=PlainSession())
        self.assertEqual(refused.exception.code, "invalid_client")

    def test_a_signed_assertion(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        control("PUT", "config", {"public_key": public.decode()})
        sign = {"username": "sync@acme.example", "consumer_key": BANNER["client_id"], "version": "67.0"}
        sf = Salesforce(privatekey=pem.decode(), session=PlainSession(), **sign)
        self.assertEqual(sf.query("SELECT COUNT() FROM Contact")["totalSize"], PEOPLE)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with self.assertRaises(SalesforceAuthenticationFailed) as refused:
            Salesforce(privatekey=other.decode(), session=PlainSession(), **sign)
        self.assertEqual(refused.exception.code, "invalid_grant")

    def test_a_password_over_soap(self):
        sf = Salesforce(
            username="sync@acme.example", password="mock-password", security_token="", session=PlainSession()
        )
        self.assertEqual(sf.query("SELECT COUNT() FROM Contact")["totalSize"], PEOPLE)
        with self.assertRaises(SalesforceAuthenticationFailed) as refused:
            Salesforce(username="sync@acme.example", password="wrong", security_token="", session=PlainSession())
        self.assertEqual(refused.exception.code, "INVALID_LOGIN")

    def test_an_expired_session_is_renewed_by_those_who_can(self):
        control("POST", "expire-tokens", {})
        self.assertEqual(self.sf.query("SELECT COUNT() FROM Contact")["totalSize"], PEOPLE)
        session = Salesforce(
            session_id=self.sf.session_id, instance_url=URL, version="67.0", session=PlainSession()
        )
        self.assertEqual(session.query("SELECT COUNT() FROM Contact")["totalSize"], PEOPLE)
        control("POST", "expire-tokens", {})
        with self.assertRaises(SalesforceExpiredSession) as refused:
            session.query("SELECT COUNT() FROM Contact")
        self.assertEqual((refused.exception.status, codes(refused)), (401, ["INVALID_SESSION_ID"]))

    def test_the_day_is_used_up(self):
        control("POST", "usage", {"used": 100_000})
        with self.assertRaises(SalesforceRefusedRequest) as refused:
            self.sf.query("SELECT Id FROM Contact LIMIT 1")
        self.assertEqual(codes(refused), ["REQUEST_LIMIT_EXCEEDED"])

    def test_a_gateway_error(self):
        control("PUT", "config", {"plan": [{"path": "/services/data", "fault": "503"}]})
        with self.assertRaises(SalesforceGeneralError) as refused:
            self.sf.query("SELECT Id FROM Contact LIMIT 1")
        self.assertEqual(refused.exception.status, 503)


if __name__ == "__main__":
    unittest.main(verbosity=2)
