"""Microsoft's own Python client for Dataverse, unchanged, against the Dynamics mock over TLS.

Takes the mock's banner (one JSON object) as its argument. The client insists on https, so the mock is started with
`--tls`, and what it is given to trust is the authority the banner names.
"""

import json
import os
import ssl
import sys
import unittest
import urllib.request

BANNER = json.loads(sys.argv.pop())
URL = BANNER["url"]
# Read by requests, under both the identity library and the client.
os.environ["REQUESTS_CA_BUNDLE"] = BANNER["ca"]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"

from azure.core.exceptions import ClientAuthenticationError  # noqa: E402
from azure.identity import ClientSecretCredential  # noqa: E402
from PowerPlatform.Dataverse.client import DataverseClient  # noqa: E402
from PowerPlatform.Dataverse.core.errors import HttpError  # noqa: E402
from PowerPlatform.Dataverse.models import UpsertItem  # noqa: E402

PEOPLE = 600
TRUSTED = ssl.create_default_context(cafile=BANNER["ca"])


def control(method, path, body=None):
    """A call to the mock's control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/__mock/{path}", data=data, method=method)
    with urllib.request.urlopen(request, context=TRUSTED) as answer:
        return answer.read().decode()


def ledger():
    return [json.loads(line) for line in control("GET", "ledger").splitlines()]


def credential(secret=BANNER["client_secret"]):
    # Discovery would ask Microsoft's cloud about an authority it has never heard of.
    return ClientSecretCredential(
        BANNER["tenant"],
        BANNER["client_id"],
        secret,
        authority=URL,
        disable_instance_discovery=True,
    )


def generated(tag, index):
    return f"{tag}0000000-0000-4000-8000-{index + 1:012x}"


class Dataverse(unittest.TestCase):
    def setUp(self):
        control("POST", "reset", {})
        self.client = DataverseClient(URL, credential())
        self.addCleanup(self.client.close)

    def refused(self, status, code, action, *arguments, **named):
        with self.assertRaises(HttpError) as caught:
            action(*arguments, **named)
        said = caught.exception
        self.assertEqual((said.status_code, said.details.get("service_error_code")), (status, code), said)
        return said

    def test_a_row_is_made_read_changed_and_deleted(self):
        records = self.client.records
        made = records.create("contact", {"firstname": "Ana", "lastname": "Ruiz", "emailaddress1": "ana@ruiz.example"})
        contact = records.retrieve("contact", made, select=["fullname", "emailaddress1"])
        self.assertEqual((contact["fullname"], contact["emailaddress1"]), ("Ana Ruiz", "ana@ruiz.example"))
        records.update("contact", made, {"jobtitle": "VP"})
        self.assertEqual(records.retrieve("contact", made)["jobtitle"], "VP")
        records.delete("contact", made)
        self.assertIsNone(records.retrieve("contact", made))
        self.assertEqual([line["op"] for line in ledger()], ["create", "update", "delete"])

    def test_labels_lookups_and_annotations(self):
        account = generated("a", 0)
        made = self.client.records.create(
            "opportunity",
            {
                "name": "Renewal",
                "estimatedvalue": 12500,
                "customerid_account@odata.bind": f"/accounts({account})",
                "opportunityratingcode": "Hot",
            },
        )
        deal = self.client.records.retrieve("opportunity", made, include_annotations="*", expand=["parentaccountid"])
        formatted = "@OData.Community.Display.V1.FormattedValue"
        self.assertEqual((deal["opportunityratingcode"], deal["opportunityratingcode" + formatted]), (1, "Hot"))
        self.assertEqual(deal["estimatedvalue" + formatted], "$12,500.00")
        self.assertEqual(deal["_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"], "account")

    def test_every_page_is_followed(self):
        pages = list(self.client.records.list_pages("contact", select=["emailaddress1"], page_size=250))
        self.assertEqual([len(page) for page in pages], [250, 250, 100])
        addresses = {row["emailaddress1"] for page in pages for row in page}
        self.assertEqual(len(addresses), PEOPLE)
        found = self.client.records.list(
            "contact",
            select=["fullname", "contactid"],
            filter=f"_parentcustomerid_value eq {generated('a', 2)}",
            orderby=["lastname asc", "contactid asc"],
        )
        self.assertEqual(len(found), 8)

    def test_many_at_once(self):
        people = [{"firstname": "P", "lastname": f"Number {n}", "description": "bulk"} for n in range(40)]
        made = self.client.records.create("contact", people)
        self.assertEqual(len(set(made)), 40)
        self.client.records.update("contact", made, {"jobtitle": "Guest"})
        self.assertEqual(len(self.client.records.list("contact", filter="jobtitle eq 'Guest'", select=["contactid"])), 40)
        changes = [{"department": f"D{n}"} for n in range(40)]
        self.client.records.update("contact", made, changes)
        self.assertEqual(self.client.records.retrieve("contact", made[7])["department"], "D7")
        gone = "c0000000-0000-0000-0000-0000000000ff"
        before = len(ledger())
        self.refused(404, "0x80040217", self.client.records.update, "contact", made[:3] + [gone], {"jobtitle": "X"})
        self.assertEqual(len(ledger()), before, "one bad row, nothing written")

    def test_upserts_by_an_alternate_key(self):
        tables, records = self.client.tables, self.client.records
        self.assertEqual(tables.add_columns("contact", {"new_ExternalId": "string"}), ["new_ExternalId"])
        tables.create_alternate_key("contact", "new_external_key", ["new_externalid"])
        keys = tables.get_alternate_keys("contact")
        self.assertEqual([(key.schema_name, key.status) for key in keys], [("new_external_key", "Active")])
        records.upsert("contact", [UpsertItem({"new_externalid": "E'1"}, {"lastname": "One"})])
        records.upsert("contact", [UpsertItem({"new_externalid": "E'1"}, {"jobtitle": "VP"})])
        both = [UpsertItem({"new_externalid": f"E'{n}"}, {"lastname": f"Row {n}"}) for n in (1, 2)]
        records.upsert("contact", both)
        found = records.list("contact", filter="startswith(new_externalid,'E''')", select=["lastname", "jobtitle"])
        self.assertEqual(sorted((row["lastname"], row["jobtitle"]) for row in found), [("Row 1", "VP"), ("Row 2", None)])
        taken = {"lastname": "Three", "new_externalid": "E'2"}
        said = self.refused(412, "0x80060892", records.create, "contact", taken)
        self.assertIn("already exists", str(said))

    def test_a_batch_of_many_kinds(self):
        there, gone = generated("c", 0), "c0000000-0000-0000-0000-0000000000ff"
        batch = self.client.batch.new()
        batch.records.update("contact", there, {"jobtitle": "VP"})
        batch.records.update("contact", gone, {"jobtitle": "VP"})
        batch.records.retrieve("contact", there, select=["jobtitle"])
        with batch.changeset() as changes:
            account = changes.records.create("account", {"name": "Fabrikam"})
            changes.records.update("contact", there, {"parentcustomerid_account@odata.bind": account})
        batch.records.list("account", filter="name eq 'Fabrikam'", select=["name"])
        result = batch.execute(continue_on_error=True)
        self.assertEqual([each.status_code for each in result.responses], [204, 404, 200, 204, 204, 200])
        self.assertEqual(result.failed[0].error_code, "0x80040217")
        self.assertEqual(result.responses[2].data["jobtitle"], "VP")
        self.assertEqual(len(result.responses[5].data["value"]), 1)
        contact = self.client.records.retrieve("contact", there)
        self.assertEqual(contact["_parentcustomerid_value"], result.responses[3].entity_id)

    def test_a_failing_change_set_leaves_nothing(self):
        batch = self.client.batch.new()
        with batch.changeset() as changes:
            changes.records.create("account", {"name": "Nobody"})
            changes.records.update("contact", generated("c", 0), {"jobtitle": "x" * 101})
        result = batch.execute(continue_on_error=True)
        self.assertEqual([each.status_code for each in result.responses], [400])
        self.assertEqual(result.failed[0].error_code, "0x80044331")
        self.assertEqual(ledger(), [])

    def test_tables_and_columns_are_described(self):
        table = self.client.tables.get("contact")
        self.assertEqual((table["entity_set_name"], table["table_logical_name"]), ("contacts", "contact"))
        columns = self.client.tables.list_columns("contact", select=["LogicalName", "AttributeType", "AttributeOf"])
        self.assertIn("emailaddress1", {column["LogicalName"] for column in columns})
        self.client.tables.add_columns("contact", {"new_Score": "int", "new_Vip": "bool", "new_Seen": "datetime"})
        made = self.client.records.create("contact", {"lastname": "Ruiz", "new_score": 82, "new_vip": True})
        contact = self.client.records.retrieve("contact", made, select=["new_score", "new_vip", "new_seen"])
        self.assertEqual((contact["new_score"], contact["new_vip"], contact["new_seen"]), (82, True, None))

    def test_errors_have_their_codes(self):
        records, there = self.client.records, generated("c", 0)
        self.refused(400, "0x80044331", records.update, "contact", there, {"jobtitle": "x" * 101})
        self.refused(400, "0x80048d19", records.update, "contact", there, {"nope": 1})
        self.refused(400, "0x8004431A", records.update, "contact", there, {"gendercode": 99})
        self.refused(400, "0x80060888", records.list, "contact", filter="nope eq 1")
        control("PUT", "config", {"concurrent_refusals": 50})
        said = self.refused(429, "0x80072326", records.list, "contact", select=["fullname"])
        self.assertTrue(said.is_transient)
        control("PUT", "config", {"concurrent_refusals": 0, "application_user": False})
        said = self.refused(403, "0x80072560", records.list, "contact", select=["fullname"])
        self.assertIn("not a member of the organization", str(said))

    def test_a_wrong_secret_is_told(self):
        with DataverseClient(URL, credential("wrong")) as client, self.assertRaises(ClientAuthenticationError) as caught:
            client.records.list("contact", select=["fullname"])
        self.assertIn("AADSTS7000215", str(caught.exception))


unittest.main(verbosity=2)
