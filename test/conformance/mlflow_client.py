"""What users do with an unmodified MLflow client, against the server at MLFLOW_TRACKING_URI."""

import math
import os
import pathlib
import tempfile
import unittest

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LinearRegression

X = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
Y = np.array([2.0, 4.0, 6.0])
IS_3 = mlflow.__version__.startswith("3")


class Client(unittest.TestCase):
    def setUp(self):
        self.client = MlflowClient()
        self.name = f"{self.id()} {mlflow.__version__}"
        self.experiment = mlflow.set_experiment(self.name)

    def tearDown(self):
        while mlflow.active_run():
            mlflow.end_run()

    def assertRefused(self, code, words, work, *args, **more):
        with self.assertRaises(MlflowException) as caught:
            work(*args, **more)
        self.assertEqual(caught.exception.error_code, code)
        self.assertIn(words, str(caught.exception))

    def test_a_run_keeps_what_was_logged(self):
        with mlflow.start_run(run_name="one") as run:
            mlflow.log_param("lr", 0.1)
            mlflow.log_params({"depth": 3, "name": "ünïcode ✓"})
            mlflow.log_metric("loss", 0.5, step=1)
            mlflow.log_metrics({"acc": 0.9, "f1": 0.8}, step=2)
            mlflow.log_metric("nan", math.nan)
            mlflow.log_metric("inf", math.inf)
            mlflow.log_metric("minus", -math.inf)
            mlflow.set_tag("team", "x")
            mlflow.set_tags({"a": "1", "b": "2"})
        found = self.client.get_run(run.info.run_id)
        self.assertEqual(found.info.status, "FINISHED")
        self.assertEqual(found.info.run_name, "one")
        self.assertEqual(found.data.params, {"lr": "0.1", "depth": "3", "name": "ünïcode ✓"})
        self.assertEqual(found.data.metrics["loss"], 0.5)
        self.assertTrue(math.isnan(found.data.metrics["nan"]))
        self.assertEqual((found.data.metrics["inf"], found.data.metrics["minus"]), (math.inf, -math.inf))
        self.assertEqual({key: found.data.tags[key] for key in ("team", "a", "b")}, {"team": "x", "a": "1", "b": "2"})
        self.client.delete_tag(run.info.run_id, "team")
        self.assertNotIn("team", self.client.get_run(run.info.run_id).data.tags)

    def test_the_history_of_a_metric_is_whole_and_in_order(self):
        large = 2**62 + 1
        with mlflow.start_run() as run:
            for step in range(30):
                mlflow.log_metric("loss", 1 / (step + 1), step=step)
            mlflow.log_metric("large", 1.5, step=large)
        history = self.client.get_metric_history(run.info.run_id, "loss")
        self.assertEqual([point.step for point in history], list(range(30)))
        self.assertEqual([point.value for point in history], [1 / (step + 1) for step in range(30)])
        self.assertEqual(self.client.get_metric_history(run.info.run_id, "large")[0].step, large)
        self.assertEqual(self.client.get_metric_history(run.info.run_id, "none"), [])

    def test_the_latest_value_is_of_the_greatest_step_and_logging_again_changes_nothing(self):
        with mlflow.start_run() as run:
            for value, step in ((3, 3), (1, 1), (2, 2), (3, 3)):
                self.client.log_metric(run.info.run_id, "m", value, timestamp=7, step=step)
        self.assertEqual(self.client.get_run(run.info.run_id).data.metrics["m"], 3)
        self.assertEqual(len(self.client.get_metric_history(run.info.run_id, "m")), 3)

    def test_search_finds_by_metrics_params_tags_and_attributes_page_by_page(self):
        for index in range(5):
            with mlflow.start_run(run_name=f"run {index}"):
                mlflow.log_param("even", index % 2 == 0)
                mlflow.log_metric("score", index)
                mlflow.set_tag("my tag", f"value {index}")
        query = "metrics.score >= 1 AND params.even = 'True' and tags.`my tag` LIKE 'value%' and status = 'FINISHED'"
        frame = mlflow.search_runs([self.experiment.experiment_id], query, order_by=["metrics.score DESC"])
        self.assertEqual(list(frame["metrics.score"]), [4.0, 2.0])
        seen, token = [], None
        while True:
            page = self.client.search_runs(
                [self.experiment.experiment_id], order_by=["metrics.score ASC"], max_results=2, page_token=token
            )
            seen += [run.data.metrics["score"] for run in page]
            token = page.token
            if not token:
                break
        self.assertEqual(seen, [0, 1, 2, 3, 4])
        self.assertEqual(len(mlflow.search_experiments(filter_string=f"name = '{self.name}'")), 1)

    def test_nested_runs_know_their_parent(self):
        with mlflow.start_run() as parent:
            with mlflow.start_run(nested=True) as child:
                mlflow.log_metric("inner", 1)
        query = f"tags.mlflow.parentRunId = '{parent.info.run_id}'"
        found = self.client.search_runs([self.experiment.experiment_id], query)
        self.assertEqual([run.info.run_id for run in found], [child.info.run_id])

    def test_a_run_that_fails_says_so_and_can_be_deleted_and_restored(self):
        with self.assertRaises(ZeroDivisionError), mlflow.start_run() as run:
            1 / 0
        run_id = run.info.run_id
        self.assertEqual(self.client.get_run(run_id).info.status, "FAILED")
        self.client.delete_run(run_id)
        self.assertEqual(self.client.get_run(run_id).info.lifecycle_stage, "deleted")
        self.assertRefused("INVALID_PARAMETER_VALUE", "must be in the 'active' state", self.client.log_metric, run_id, "a", 1)
        self.assertEqual(len(self.client.search_runs([self.experiment.experiment_id])), 0)
        self.client.restore_run(run_id)
        self.assertEqual(len(self.client.search_runs([self.experiment.experiment_id])), 1)

    def test_what_is_wrong_is_refused_in_mlflows_words(self):
        with mlflow.start_run() as run:
            mlflow.log_param("lr", 0.1)
            mlflow.log_param("lr", 0.1)
            self.assertRefused(
                "INVALID_PARAMETER_VALUE", "Changing param values is not allowed", self.client.log_param, run.info.run_id, "lr", 0.2
            )
        self.assertRefused("RESOURCE_DOES_NOT_EXIST", "Run with id=deadbeef not found", self.client.get_run, "deadbeef")
        self.assertRefused("RESOURCE_ALREADY_EXISTS", "already exists", self.client.create_experiment, self.name)
        self.assertRefused("RESOURCE_DOES_NOT_EXIST", "No Experiment with id=77", self.client.get_experiment, "77")
        for query in ("metrics.a > 1 OR metrics.b > 1", "nothing = 'x'", "params.a = 1", "params.a = 'x'; drop table runs"):
            self.assertRefused("INVALID_PARAMETER_VALUE", "", self.client.search_runs, [self.experiment.experiment_id], query)

    def test_files_come_back_as_they_were_sent(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        (folder / "sub").mkdir()
        (folder / "a b.txt").write_text("hello")
        (folder / "sub" / "ü.json").write_text("{}")
        large = os.urandom(5_000_000)
        (folder / "large.bin").write_bytes(large)
        with mlflow.start_run() as run:
            mlflow.log_artifacts(str(folder), "files")
            mlflow.log_text("text", "notes/t.txt")
            mlflow.log_dict({"a": 1}, "d.json")
        run_id = run.info.run_id
        self.assertEqual([file.path for file in self.client.list_artifacts(run_id)], ["d.json", "files", "notes"])
        self.assertEqual(
            [(file.path, file.is_dir, file.file_size) for file in self.client.list_artifacts(run_id, "files")],
            [("files/a b.txt", False, 5), ("files/large.bin", False, 5_000_000), ("files/sub", True, None)],
        )
        back = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="files"))
        self.assertEqual((back / "large.bin").read_bytes(), large)
        self.assertEqual((back / "sub" / "ü.json").read_text(), "{}")
        self.assertEqual(mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/d.json"), {"a": 1})

    def test_a_large_file_goes_in_parts(self):
        large = os.urandom(12_000_000)
        path = pathlib.Path(tempfile.mkdtemp()) / "large.bin"
        path.write_bytes(large)
        sizes = {
            "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
            "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1000000",
            "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": "5242880",
        }
        os.environ.update(sizes)
        try:
            with mlflow.start_run() as run:
                mlflow.log_artifact(str(path), "parts")
        finally:
            for name in sizes:
                del os.environ[name]
        back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="parts/large.bin")
        self.assertEqual(pathlib.Path(back).read_bytes(), large)

    def test_data_sets_are_inputs_of_runs(self):
        with mlflow.start_run() as run:
            mlflow.log_input(mlflow.data.from_pandas(X, name="train"), context="training")
        (found,) = self.client.get_run(run.info.run_id).inputs.dataset_inputs
        self.assertEqual((found.dataset.name, found.tags[0].value), ("train", "training"))
        query = "dataset.name = 'train' and dataset.context = 'training'"
        self.assertEqual(len(self.client.search_runs([self.experiment.experiment_id], query)), 1)

    def test_a_model_is_logged_and_loaded(self):
        model = LinearRegression().fit(X, Y)
        with mlflow.start_run() as run:
            mlflow.log_metric("rmse", 0.25)
            if IS_3:
                info = mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle", pip_requirements=[])
            else:
                info = mlflow.sklearn.log_model(model, "model", pip_requirements=[])
        np.testing.assert_allclose(mlflow.sklearn.load_model(info.model_uri).predict(X), Y)
        np.testing.assert_allclose(mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model").predict(X), Y)
        if not IS_3:
            self.assertIn("mlflow.log-model.history", self.client.get_run(run.info.run_id).data.tags)
            return
        (found,) = self.client.search_logged_models([self.experiment.experiment_id], "metrics.rmse < 1 and name = 'model'")
        self.assertEqual(found.source_run_id, run.info.run_id)
        self.assertEqual(str(found.status), "READY")
        self.assertEqual([output.model_id for output in self.client.get_run(run.info.run_id).outputs.model_outputs], [found.model_id])
        self.client.set_logged_model_tags(found.model_id, {"stage": "new"})
        self.assertEqual(mlflow.get_logged_model(found.model_id).tags["stage"], "new")

    def test_autologging_of_scikit_learn(self):
        mlflow.sklearn.autolog(log_models=False, silent=True)
        try:
            with mlflow.start_run() as run:
                LinearRegression().fit(X, Y)
        finally:
            mlflow.sklearn.autolog(disable=True)
        found = self.client.get_run(run.info.run_id)
        self.assertEqual(found.data.params["fit_intercept"], "True")
        self.assertAlmostEqual(found.data.metrics["training_r2_score"], 1)
        self.assertEqual(found.data.tags["estimator_name"], "LinearRegression")


if __name__ == "__main__":
    unittest.main()
