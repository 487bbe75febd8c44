"""What users do with the model registry through an unmodified MLflow client, against the server at MLFLOW_TRACKING_URI."""

import os
import unittest
import urllib.request

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

X = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
IS_3 = mlflow.__version__.startswith("3")


def log(factor, **more):
    """A run with a model that multiplies by the factor."""
    model = LinearRegression().fit(X, X["x"].to_numpy() * factor)
    signature = infer_signature(X, model.predict(X))
    where = {"name": "model"} if IS_3 else {"artifact_path": "model"}
    # Requirements are named: to find them out would start another Python.
    how = {"signature": signature, "pip_requirements": ["scikit-learn"], **where, **more}
    with mlflow.start_run() as run:
        mlflow.log_metric("factor", factor)
        return run, mlflow.sklearn.log_model(model, **how)


class Registry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        mlflow.set_experiment(f"registry {mlflow.__version__}")
        cls.runs = [log(factor) for factor in (2.0, 3.0)]

    def setUp(self):
        self.client = MlflowClient()
        self.name = f"{self._testMethodName} {mlflow.__version__}"

    def assertRefused(self, code, words, work, *args, **more):
        with self.assertRaises(MlflowException) as caught:
            work(*args, **more)
        self.assertEqual(caught.exception.error_code, code)
        self.assertIn(words, str(caught.exception))

    def register(self, which):
        return mlflow.register_model(self.runs[which][1].model_uri, self.name, await_registration_for=0)

    def predict(self, uri):
        return np.round(mlflow.sklearn.load_model(uri).predict(pd.DataFrame({"x": [10.0]})), 6).tolist()

    def test_models_are_loaded_by_version_alias_and_stage(self):
        first, second = self.register(0), self.register(1)
        self.assertEqual((first.version, second.version), ("1", "2"))
        self.assertEqual(first.run_id, self.runs[0][0].info.run_id)
        self.client.set_registered_model_alias(self.name, "champion", "1")
        self.assertEqual(self.predict(f"models:/{self.name}/2"), [30.0])
        self.assertEqual(self.predict(f"models:/{self.name}@champion"), [20.0])
        self.client.set_registered_model_alias(self.name, "champion", "2")
        self.assertEqual(self.predict(f"models:/{self.name}@champion"), [30.0])
        self.client.transition_model_version_stage(self.name, "1", "Production", archive_existing_versions=True)
        self.client.transition_model_version_stage(self.name, "2", "Production", archive_existing_versions=True)
        self.assertEqual(self.client.get_model_version(self.name, "1").current_stage, "Archived")
        self.assertEqual(self.predict(f"models:/{self.name}/Production"), [30.0])
        self.assertEqual(self.predict(f"models:/{self.name}/latest"), [30.0])

    def test_a_model_is_registered_as_it_is_logged(self):
        log(4.0, registered_model_name=self.name)
        self.assertEqual(self.predict(f"models:/{self.name}/1"), [40.0])

    def test_a_version_keeps_its_bytes_whatever_becomes_of_the_run(self):
        self.register(0)
        copy = self.client.copy_model_version(f"models:/{self.name}/1", f"{self.name} copy")
        self.assertEqual(copy.version, "1")
        pinned = self.client.get_model_version_download_uri(self.name, "1")
        self.assertTrue(pinned.startswith("mlflow-artifacts:/registry/"), pinned)
        path = pinned.removeprefix("mlflow-artifacts:/")
        url = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow-artifacts/artifacts/{path}/MLmodel"
        for method in ("PUT", "DELETE"):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(urllib.request.Request(url, data=b"x", method=method))
            self.assertEqual(caught.exception.code, 403)
        self.assertEqual(self.predict(f"models:/{self.name}/1"), [20.0])
        self.assertEqual(self.predict(f"models:/{self.name} copy/1"), [20.0])

    def test_models_and_versions_are_searched_and_tagged(self):
        self.register(0)
        self.register(1)
        self.client.set_registered_model_tag(self.name, "team", "x")
        self.client.set_model_version_tag(self.name, "2", "checked", "yes")
        self.client.update_model_version(self.name, "2", "the second")
        found = self.client.search_registered_models(f"name = '{self.name}' and tags.team = 'x'")
        self.assertEqual([model.name for model in found], [self.name])
        versions = self.client.search_model_versions(f"name = '{self.name}'", order_by=["version_number ASC"], max_results=1)
        self.assertEqual([one.version for one in versions], ["1"])
        rest = self.client.search_model_versions(
            f"name = '{self.name}'", order_by=["version_number ASC"], max_results=1, page_token=versions.token
        )
        self.assertEqual([(one.version, one.tags, one.description) for one in rest], [("2", {"checked": "yes"}, "the second")])
        by_run = self.client.search_model_versions(f"name = '{self.name}' and run_id = '{self.runs[1][0].info.run_id}'")
        self.assertEqual([one.version for one in by_run], ["2"])
        self.assertRefused(
            "INVALID_PARAMETER_VALUE", "Invalid clause", self.client.search_registered_models, "name = 'a' OR name = 'b'"
        )

    def test_what_is_in_use_is_not_deleted(self):
        self.register(0)
        self.client.set_registered_model_alias(self.name, "champion", "1")
        self.assertRefused("INVALID_STATE", "champion points at it", self.client.delete_model_version, self.name, "1")
        self.client.delete_registered_model_alias(self.name, "champion")
        self.client.delete_model_version(self.name, "1")
        self.assertRefused("RESOURCE_DOES_NOT_EXIST", "not found", self.client.get_model_version, self.name, "1")
        self.client.delete_registered_model(self.name)
        self.assertRefused("RESOURCE_DOES_NOT_EXIST", "not found", self.client.get_registered_model, self.name)

    def test_prompts_are_kept_apart_from_models(self):
        name = self.name.replace(" ", "-").replace(".", "-")
        self.client.register_prompt(name, "Hello {{who}}")
        self.client.register_prompt(name, "Good day {{who}}")
        self.client.set_prompt_alias(name, "live", 1)
        self.assertEqual(self.client.load_prompt(f"prompts:/{name}@live").template, "Hello {{who}}")
        self.assertEqual(self.client.load_prompt(f"prompts:/{name}/2").template, "Good day {{who}}")
        self.assertNotIn(name, [model.name for model in self.client.search_registered_models()])

    @unittest.skipUnless(IS_3, "clients of MLflow 2 know no webhooks")
    def test_webhooks_are_managed(self):
        hook = self.client.create_webhook(
            name="hook", url="http://127.0.0.1:9/", events=["model_version_alias.created"], secret="s"
        )
        self.assertEqual([one.webhook_id for one in self.client.list_webhooks()], [hook.webhook_id])
        self.assertFalse(self.client.test_webhook(hook.webhook_id).success)
        self.assertEqual(self.client.update_webhook(hook.webhook_id, name="other").name, "other")
        self.client.delete_webhook(hook.webhook_id)
        self.assertRefused("RESOURCE_DOES_NOT_EXIST", "not found", self.client.get_webhook, hook.webhook_id)


if __name__ == "__main__":
    unittest.main()
