"""Zoho's own Python library against the Zoho CRM mock.

Takes the mock's banner (one JSON object) as its argument. The library is as it comes; only the addresses it is given are the
mock's, by the class it has for a data centre.
"""

import datetime
import json
import os
import sys
import tempfile
import time
import unittest
import urllib.request

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store.file_store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api import coql
from zohocrmsdk.src.com.zoho.crm.api import fields as field_metadata
from zohocrmsdk.src.com.zoho.crm.api import modules, org, users
from zohocrmsdk.src.com.zoho.crm.api import bulk_read
from zohocrmsdk.src.com.zoho.crm.api.coql.coql_operations import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.fields.fields_operations import FieldsOperations, GetFieldsParam, CreateFieldParam
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.modules.modules_operations import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org.org_operations import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api import record
from zohocrmsdk.src.com.zoho.crm.api.record import (
    GetDeletedRecordsParam,
    GetRecordsHeader,
    GetRecordsParam,
    DeleteRecordsParam,
    Record,
    RecordOperations,
    SearchRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.users.users_operations import GetUsersParam, UsersOperations

BANNER = json.loads(sys.argv.pop())
URL = BANNER["url"]
FOLDER = tempfile.mkdtemp()


def control(method, path, body=None):
    """A call to the mock's control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/__mock/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def sign_in(refresh_token=BANNER["refresh_token"], **knobs):
    control("POST", "reset", {})
    control("PUT", "config", {"rate_limits": False, "search_lag_ms": 0, **knobs})
    token = OAuthToken(
        client_id=BANNER["client_id"], client_secret=BANNER["client_secret"], refresh_token=refresh_token
    )
    store = os.path.join(FOLDER, f"tokens-{time.time_ns()}.csv")
    Initializer.initialize(
        environment=DataCenter.Environment(URL, f"{URL}/oauth/v2/token", URL),
        token=token,
        store=FileStore(file_path=store),
        sdk_config=SDKConfig(auto_refresh_fields=True, pick_list_validation=False),
        resource_path=FOLDER,
        logger=Logger.get_instance(Logger.Levels.ERROR, os.path.join(FOLDER, "log")),
    )


def parameters(*pairs):
    map = ParameterMap()
    for key, value in pairs:
        map.add(key, value)
    return map


def headers(*pairs):
    map = HeaderMap()
    for key, value in pairs:
        map.add(key, value)
    return map


def body(rows, **more):
    request = record.BodyWrapper()
    request.set_data(rows)
    for name, value in more.items():
        getattr(request, f"set_{name}")(value)
    return request


def row(**values):
    made = Record()
    for name, value in values.items():
        if name == "id":
            made.set_id(value)
        else:
            made.add_key_value(name, value)
    return made


class Org(unittest.TestCase):
    def setUp(self):
        sign_in()
        self.contacts = RecordOperations("Contacts")

    def page(self, *pairs, header=None):
        wanted = [(GetRecordsParam.fields, "Email,Last_Name,Modified_Time,Account_Name,Owner")]
        return self.contacts.get_records(parameters(*wanted, *pairs), header)

    def first(self, count):
        answer = self.page(
            (GetRecordsParam.per_page, count), (GetRecordsParam.sort_by, "id"), (GetRecordsParam.sort_order, "asc")
        )
        return answer.get_object().get_data()


class Reading(Org):
    def test_pages_reach_every_record(self):
        seen, token = set(), None
        while True:
            pairs = [] if token is None else [(GetRecordsParam.page_token, token)]
            answer = self.page(*pairs)
            self.assertEqual(answer.get_status_code(), 200)
            seen.update(each.get_id() for each in answer.get_object().get_data())
            info = answer.get_object().get_info()
            token = info.get_next_page_token()
            if not info.get_more_records():
                break
        self.assertEqual(len(seen), 2300)

    def test_beyond_two_thousand_a_number_is_refused(self):
        refusal = self.page((GetRecordsParam.page, 11)).get_object()
        self.assertIsInstance(refusal, record.APIException)
        self.assertEqual(refusal.get_code().get_value(), "DISCRETE_PAGINATION_LIMIT_EXCEEDED")

    def test_values_have_their_types(self):
        someone = self.first(1)[0]
        whole = self.contacts.get_record(someone.get_id()).get_object().get_data()[0]
        self.assertTrue(whole.get_key_value("Email").endswith(".example"))
        self.assertIsInstance(whole.get_modified_time(), datetime.datetime)
        self.assertIsInstance(whole.get_key_value("Account_Name"), Record)
        self.assertTrue(whole.get_key_value("Owner").get_name())
        self.assertIs(whole.get_key_value("Email_Opt_Out"), False)

    def test_nothing_new_is_304(self):
        later = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
        answer = self.page(header=headers((GetRecordsHeader.if_modified_since, later)))
        self.assertEqual(answer.get_status_code(), 304)

    def test_a_search_by_address(self):
        email = self.first(1)[0].get_key_value("Email")
        found = self.contacts.search_records(parameters((SearchRecordsParam.email, email))).get_object().get_data()
        self.assertEqual([each.get_key_value("Email") for each in found], [email])
        nobody = self.contacts.search_records(parameters((SearchRecordsParam.email, "no@body.example")))
        self.assertEqual(nobody.get_status_code(), 204)

    def test_queries(self):
        request = coql.BodyWrapper()
        request.set_select_query("select Last_Name, Account_Name.Account_Name from Contacts where id is not null limit 5")
        answer = CoqlOperations().get_records(request).get_object()
        self.assertEqual(len(answer.get_data()), 5)
        self.assertTrue(answer.get_info().get_more_records())
        request.set_select_query("select Last_Name form Contacts")
        refusal = CoqlOperations().get_records(request).get_object()
        self.assertEqual(refusal.get_code().get_value(), "SYNTAX_ERROR")

    def test_bulk_read(self):
        query = bulk_read.Query()
        module = modules.MinifiedModule()
        module.set_api_name("Contacts")
        query.set_module(module)
        query.set_fields(["Last_Name", "Email"])
        request = bulk_read.BodyWrapper()
        request.set_query(query)
        request.set_file_type("csv")
        operations = bulk_read.BulkReadOperations()
        made = operations.create_bulk_read_job(request).get_object().get_data()[0]
        job = made.get_details()["id"]
        for _ in range(10):
            detail = operations.get_bulk_read_job_details(int(job)).get_object().get_data()[0]
            if detail.get_state().get_value() == "COMPLETED":
                break
        self.assertEqual(detail.get_result().get_count(), 2300)
        file = operations.download_result(int(job)).get_object().get_file()
        self.assertEqual(file.get_stream().content[:2], b"PK")

    def test_users_org_and_modules(self):
        answer = UsersOperations().get_users(parameters((GetUsersParam.type, "CurrentUser"))).get_object()
        self.assertEqual(answer.get_users()[0].get_email(), "sync@seller.example")
        self.assertTrue(OrgOperations().get_organization().get_object().get_org()[0].get_zgid())
        names = [each.get_api_name() for each in ModulesOperations().get_modules().get_object().get_modules()]
        self.assertIn("Deals", names)


class Writing(Org):
    def test_a_batch_answers_row_by_row(self):
        rows = [row(Last_Name="Ruiz", Email="ana@firm.example"), row(Last_Name="Berg", Email="berg@firm.test")]
        answer = self.contacts.create_records(body(rows, trigger=[]))
        self.assertEqual(answer.get_status_code(), 207)
        good, bad = answer.get_object().get_data()
        self.assertEqual(good.get_code().get_value(), "SUCCESS")
        self.assertEqual(bad.get_code().get_value(), "INVALID_DATA")
        self.assertEqual(bad.get_details()["api_name"], "Email")
        self.assertEqual(json.loads(control("GET", "ledger"))["after"]["Last_Name"], "Ruiz")

    def test_an_update_carries_a_number_for_an_id(self):
        someone = self.first(1)[0]
        answer = self.contacts.update_records(body([row(id=someone.get_id(), Title="Captain")], trigger=[]))
        self.assertEqual(answer.get_object().get_data()[0].get_message().get_value(), "record updated")
        whole = self.contacts.get_record(someone.get_id()).get_object().get_data()[0]
        self.assertEqual(whole.get_key_value("Title"), "Captain")
        missing = self.contacts.update_records(body([row(id=5545974020009999999, Title="Nobody")]))
        self.assertEqual(missing.get_object().get_data()[0].get_code().get_value(), "INVALID_DATA")

    def test_an_upsert_says_what_it_did(self):
        known = self.first(1)[0].get_key_value("Email")
        rows = [row(Last_Name="Known", Email=known), row(Last_Name="New", Email="new@firm.example")]
        answer = self.contacts.upsert_records(body(rows, duplicate_check_fields=["Email"], trigger=[])).get_object()
        self.assertEqual([each.get_action().get_value() for each in answer.get_data()], ["update", "insert"])

    def test_the_deleted_are_listed(self):
        ids = [each.get_id() for each in self.first(2)]
        pairs = [(DeleteRecordsParam.ids, str(each)) for each in ids[:1]]
        answer = self.contacts.delete_records(parameters(*pairs)).get_object()
        self.assertEqual(answer.get_data()[0].get_message().get_value(), "record deleted")
        gone = self.contacts.get_deleted_records(parameters((GetDeletedRecordsParam.type, "all"))).get_object().get_data()
        self.assertEqual([each.get_id() for each in gone], ids[:1])
        self.assertEqual(self.contacts.get_record(ids[0]).get_status_code(), 204)

    def test_a_field_is_made_and_read_back(self):
        field = field_metadata.Fields()
        field.set_field_label("CDP visits 30d")
        field.set_data_type("integer")
        field.set_length(9)
        request = field_metadata.BodyWrapper()
        request.set_fields([field])
        operations = FieldsOperations()
        made = operations.create_field(request, parameters((CreateFieldParam.module, "Contacts")))
        self.assertEqual(made.get_status_code(), 201)
        read = operations.get_fields(parameters((GetFieldsParam.module, "Contacts"))).get_object().get_fields()
        own = [each for each in read if each.get_custom_field()]
        self.assertEqual([each.get_api_name() for each in own], ["CDP_visits_30d"])
        someone = self.first(1)[0]
        self.contacts.update_records(body([row(id=someone.get_id(), CDP_visits_30d=12)], trigger=[]))
        whole = self.contacts.get_record(someone.get_id()).get_object().get_data()[0]
        self.assertEqual(whole.get_key_value("CDP_visits_30d"), 12)


class Refused(Org):
    def test_too_much_is_429(self):
        self.first(1)
        control("PUT", "config", {"rate_limits": True, "concurrent_refusals": 50})
        answer = self.page()
        self.assertEqual(answer.get_status_code(), 429)
        self.assertEqual(answer.get_object().get_code().get_value(), "TOO_MANY_REQUESTS")

    def test_an_ended_session_is_401(self):
        self.first(1)
        control("POST", "expire-tokens", {})
        answer = self.page()
        self.assertEqual(answer.get_status_code(), 401)
        self.assertEqual(answer.get_object().get_code().get_value(), "INVALID_TOKEN")

    def test_a_revoked_grant_is_an_error_not_an_empty_page(self):
        with self.assertRaises(SDKException) as caught:
            sign_in("revoked")
        self.assertIn("invalid_code", str(caught.exception))

    def test_a_missing_scope_is_told(self):
        sign_in(scopes=[f"ZohoCRM.{area}.ALL" for area in ("modules", "settings", "users", "org")])
        request = coql.BodyWrapper()
        request.set_select_query("select Last_Name from Contacts where id is not null")
        refusal = CoqlOperations().get_records(request).get_object()
        self.assertEqual(refusal.get_code().get_value(), "OAUTH_SCOPE_MISMATCH")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
