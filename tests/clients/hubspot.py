"""HubSpot's own Python library against the HubSpot mock.

Takes the mock's banner (one JSON object) as its argument. Run it with `python -I`, or its own name hides the library.
"""

import json
import sys
import unittest
import urllib.request

from hubspot import HubSpot
from hubspot.crm import associations, companies, contacts, deals, properties
from hubspot.crm.associations import v4

BANNER = json.loads(sys.argv.pop())
URL = BANNER["url"]


def control(method, path, body=None):
    """A call to the mock's control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/__mock/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def refusal(case, exception, call, *arguments, **named):
    """The status and body of the exception a call raises."""
    with case.assertRaises(exception) as caught:
        call(*arguments, **named)
    return caught.exception.status, json.loads(caught.exception.body)


class Portal(unittest.TestCase):
    def setUp(self):
        control("POST", "reset", {})
        control("PUT", "config", {"rate_limits": False, "search_lag_ms": 0})
        self.client = HubSpot(access_token=BANNER["token"], host=URL)
        self.contacts = self.client.crm.contacts

    def first(self, count):
        return self.contacts.basic_api.get_page(limit=count, properties=["email"]).results


class Reading(Portal):
    def test_pages_reach_every_record(self):
        everyone = self.contacts.get_all(properties=["email", "lifecyclestage"])
        self.assertEqual(len(everyone), 600)
        self.assertEqual(len({each.id for each in everyone}), 600)
        self.assertTrue(all(each.properties["email"].endswith(".example") for each in everyone))
        self.assertEqual(len(self.client.crm.companies.get_all()), 75)
        self.assertEqual(len(self.client.crm.deals.get_all()), 120)

    def test_archived_is_a_capital_false(self):
        page = self.contacts.basic_api.get_page(limit=5, archived=False)
        self.assertEqual(len(page.results), 5)
        self.assertFalse(page.results[0].archived)

    def test_a_record_by_its_address(self):
        someone = self.first(1)[0]
        found = self.contacts.basic_api.get_by_id(
            someone.properties["email"], id_property="email", properties=["firstname", "mobilephone", "no_such"]
        )
        self.assertEqual(found.id, someone.id)
        self.assertIsNone(found.properties["mobilephone"])
        self.assertNotIn("no_such", found.properties)
        self.assertEqual(found.created_at.tzinfo.utcoffset(None).total_seconds(), 0)

    def test_history_and_inline_associations(self):
        found = self.contacts.basic_api.get_by_id(
            self.first(1)[0].id, properties_with_history=["lifecyclestage"], associations=["companies"]
        )
        self.assertTrue(found.properties_with_history["lifecyclestage"][0].value)
        self.assertIn("companies", found.associations)

    def test_batch_read_with_a_missing_id(self):
        inputs = [{"id": self.first(1)[0].id}, {"id": "999"}]
        request = contacts.BatchReadInputSimplePublicObjectId(
            properties=["email"], properties_with_history=[], inputs=inputs
        )
        answer = self.contacts.batch_api.read(request)
        self.assertEqual(answer.num_errors, 1)
        self.assertEqual(answer.errors[0].category, "OBJECT_NOT_FOUND")
        self.assertEqual(answer.errors[0].context["ids"], ["999"])
        self.assertEqual(len(answer.results), 1)

    def test_search(self):
        someone = self.first(1)[0]
        request = contacts.PublicObjectSearchRequest(
            filter_groups=[
                {"filters": [{"propertyName": "email", "operator": "EQ", "value": someone.properties["email"]}]}
            ],
            sorts=["-createdate"],
            properties=["email"],
            limit=100,
            after="0",
        )
        answer = self.contacts.search_api.do_search(request)
        self.assertEqual((answer.total, answer.results[0].id), (1, someone.id))
        pages = contacts.PublicObjectSearchRequest(limit=200, filter_groups=[], sorts=[], properties=[], after="400")
        answer = self.contacts.search_api.do_search(pages)
        self.assertEqual((answer.total, len(answer.results), answer.paging), (600, 200, None))

    def test_metadata(self):
        self.assertTrue(self.client.crm.owners.get_all())
        names = {each.name for each in self.client.crm.properties.core_api.get_all("contacts").results}
        self.assertTrue({"email", "lastmodifieddate", "lifecyclestage"} <= names)
        stages = self.client.crm.pipelines.pipelines_api.get_all("deals").results[0].stages
        won = [each.id for each in stages if each.metadata["probability"] == "1.0"]
        self.assertEqual(won, ["closedwon"])
        self.assertEqual(self.client.crm.schemas.core_api.get_all().results, [])


class Writing(Portal):
    def test_create_update_archive(self):
        new = contacts.SimplePublicObjectInputForCreate(
            properties={"email": "Grace@Firm.example", "firstname": "Grace"}, associations=[]
        )
        made = self.contacts.basic_api.create(new)
        self.assertEqual(made.properties["email"], "grace@firm.example")
        status, body = refusal(self, contacts.exceptions.ApiException, self.contacts.basic_api.create, new)
        self.assertEqual((status, body["category"]), (409, "CONFLICT"))
        self.assertEqual(body["message"], f"Contact already exists. Existing ID: {made.id}")
        change = contacts.SimplePublicObjectInput(properties={"city": "Bergen"})
        changed = self.contacts.basic_api.update(made.id, change)
        self.assertGreaterEqual(changed.updated_at, made.updated_at)
        self.contacts.basic_api.archive(made.id)
        status, body = refusal(
            self, contacts.exceptions.NotFoundException, self.contacts.basic_api.get_by_id, made.id
        )
        self.assertEqual((status, body["category"]), (404, "OBJECT_NOT_FOUND"))

    def test_batch_update(self):
        known = self.first(3)
        inputs = [{"id": each.id, "properties": {"city": "Bergen"}} for each in known]
        inputs.append({"id": "999", "objectWriteTraceId": "lost", "properties": {"city": "Bergen"}})
        request = contacts.BatchInputSimplePublicObjectBatchInput(inputs=inputs)
        answer = self.contacts.batch_api.update(request)
        self.assertEqual({each.id for each in answer.results}, {each.id for each in known})
        self.assertEqual(answer.errors[0].context["objectWriteTraceId"], ["lost"])

    def test_batch_update_refused_whole(self):
        inputs = [{"id": self.first(1)[0].id, "properties": {"no_such": "1"}}]
        request = contacts.BatchInputSimplePublicObjectBatchInput(inputs=inputs)
        status, body = refusal(self, contacts.exceptions.ApiException, self.contacts.batch_api.update, request)
        self.assertEqual((status, body["category"]), (400, "VALIDATION_ERROR"))
        self.assertEqual(body["errors"][0]["code"], "PROPERTY_DOESNT_EXIST")

    def test_batch_upsert_by_our_own_key(self):
        key = properties.PropertyCreate(
            name="cdp_profile_id", label="Profile", type="string", field_type="text",
            group_name="contactinformation", has_unique_value=True,
        )
        self.client.crm.properties.core_api.create("contacts", key)
        status, body = refusal(
            self, properties.exceptions.ApiException, self.client.crm.properties.core_api.create, "contacts", key
        )
        self.assertEqual((status, body["category"]), (409, "CONFLICT"))
        row = {"id": "p-1", "idProperty": "cdp_profile_id", "properties": {"email": "p1@firm.example"}}
        request = contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=[row])
        first = self.contacts.batch_api.upsert(request)
        second = self.contacts.batch_api.upsert(request)
        self.assertEqual((first.results[0].new, second.results[0].new), (True, False))
        self.assertEqual(first.results[0].id, second.results[0].id)

    def test_merge(self):
        primary, secondary = self.first(2)
        request = contacts.PublicMergeInput(primary_object_id=primary.id, object_id_to_merge=secondary.id)
        survivor = self.contacts.basic_api.merge(request)
        self.assertNotIn(survivor.id, (primary.id, secondary.id))
        self.assertEqual(self.contacts.basic_api.get_by_id(secondary.id).id, survivor.id)

    def test_a_deal_is_won(self):
        new = deals.SimplePublicObjectInputForCreate(
            properties={"dealname": "Renewal", "pipeline": "default", "dealstage": "closedwon", "amount": "12000.50"},
            associations=[],
        )
        made = self.client.crm.deals.basic_api.create(new)
        self.assertEqual(made.properties["hs_is_closed_won"], "true")
        with self.assertRaises(deals.exceptions.ApiException):
            self.client.crm.deals.basic_api.create(
                deals.SimplePublicObjectInputForCreate(properties={"dealname": "x"}, associations=[])
            )


class Linking(Portal):
    def test_reading_and_writing(self):
        company = self.client.crm.companies.basic_api.create(
            companies.SimplePublicObjectInputForCreate(properties={"name": "Quill"}, associations=[])
        )
        contact = self.first(1)[0]
        batch = self.client.crm.associations.v4.batch_api
        basic = self.client.crm.associations.v4.basic_api
        request = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": company.id}])
        answer = batch.get_page("companies", "contacts", request)
        self.assertEqual(answer.errors[0].sub_category, "crm.associations.NO_ASSOCIATIONS_FOUND")
        basic.create_default("contacts", contact.id, "companies", company.id)
        answer = batch.get_page("companies", "contacts", request)
        self.assertEqual(str(answer.results[0].to[0].to_object_id), contact.id)
        listed = basic.get_page("contacts", contact.id, "companies").results
        self.assertEqual(len(listed), 2)
        labels = {kind.label for each in listed for kind in each.association_types}
        self.assertEqual(labels, {"Primary", None})
        basic.archive("contacts", contact.id, "companies", company.id)
        self.assertEqual(len(basic.get_page("contacts", contact.id, "companies").results), 1)

    def test_the_older_batch_read(self):
        deal = self.client.crm.deals.basic_api.get_page(limit=1).results[0]
        request = associations.BatchInputPublicObjectId(inputs=[{"id": deal.id}])
        answer = self.client.crm.associations.batch_api.read("deals", "contacts", request)
        self.assertEqual(answer.results[0].to[0].type, "deal_to_contact")


class SigningIn(Portal):
    def refreshed(self):
        return HubSpot(host=URL).oauth.tokens_api.create(
            grant_type="refresh_token",
            client_id=BANNER["client_id"],
            client_secret=BANNER["client_secret"],
            refresh_token=BANNER["refresh_token"],
        )

    def test_a_wrong_token(self):
        client = HubSpot(access_token="pat-na1-wrong", host=URL)
        status, body = refusal(self, contacts.exceptions.UnauthorizedException, client.crm.contacts.basic_api.get_page)
        self.assertEqual((status, body["category"]), (401, "INVALID_AUTHENTICATION"))

    def test_refreshing(self):
        granted = self.refreshed()
        client = HubSpot(access_token=granted.access_token, host=URL)
        self.assertEqual(len(client.crm.contacts.basic_api.get_page(limit=1).results), 1)
        control("POST", "expire-tokens", {})
        status, body = refusal(self, contacts.exceptions.UnauthorizedException, client.crm.contacts.basic_api.get_page)
        self.assertEqual((status, body["category"]), (401, "EXPIRED_AUTHENTICATION"))
        client.access_token = self.refreshed().access_token
        self.assertEqual(len(client.crm.contacts.basic_api.get_page(limit=1).results), 1)

    def test_a_scope_that_was_not_granted(self):
        control("PUT", "config", {"denied_scopes": ["crm.objects.contacts.read"]})
        status, body = refusal(self, contacts.exceptions.ForbiddenException, self.contacts.basic_api.get_page)
        self.assertEqual((status, body["category"]), (403, "MISSING_SCOPES"))

    def test_limits(self):
        control("PUT", "config", {"rate_limits": True, "frozen_at": "2026-11-23T09:00:00Z"})
        request = contacts.PublicObjectSearchRequest(limit=1, filter_groups=[], sorts=[], properties=[], after="0")
        for _ in range(5):
            self.contacts.search_api.do_search(request)
        status, body = refusal(self, contacts.exceptions.ApiException, self.contacts.search_api.do_search, request)
        self.assertEqual((status, body["policyName"]), (429, "SECONDLY"))

    def test_a_gateway_error_is_a_service_exception(self):
        control("PUT", "config", {"plan": [{"path": "/crm/", "fault": "502"}]})
        with self.assertRaises(contacts.exceptions.ServiceException) as caught:
            self.contacts.basic_api.get_page()
        self.assertEqual(caught.exception.status, 502)


if __name__ == "__main__":
    unittest.main()
