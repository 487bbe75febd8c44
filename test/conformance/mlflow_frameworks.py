"""What users of whole frameworks do with an unmodified MLflow client, against the server at MLFLOW_TRACKING_URI."""

import importlib.util
import os
import tempfile
import time
import unittest
import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import GridSearchCV

warnings.filterwarnings("ignore")
X, Y = load_iris(return_X_y=True, as_frame=True)
IS_3 = mlflow.__version__.startswith("3")
# Newer clients refuse to load pickles of models unless they are told that their store is trusted.
os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "true"


def has(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


def log_model(flavor, model, **more):
    # MLflow 3's own format takes no forests unless each of their types is trusted by name.
    if flavor is mlflow.sklearn and IS_3:
        more["serialization_format"] = "cloudpickle"
    place = {"name": "model"} if IS_3 else {"artifact_path": "model"}
    return flavor.log_model(model, **place, **more)


class Frameworks(unittest.TestCase):
    def setUp(self):
        self.client = MlflowClient()
        self.experiment = mlflow.set_experiment(f"{self.id()} {mlflow.__version__} {time.time()}")

    def tearDown(self):
        mlflow.autolog(disable=True, silent=True)
        while mlflow.active_run():
            mlflow.end_run()

    def run_of(self, run):
        return self.client.get_run(run.info.run_id)

    def files(self, run, path=None):
        return {file.path for file in self.client.list_artifacts(run.info.run_id, path)}

    def load_of(self, run):
        """The model that autologging kept, as pyfunc."""
        if not IS_3:
            return mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
        (output,) = self.run_of(run).outputs.model_outputs
        return mlflow.pyfunc.load_model(f"models:/{output.model_id}")

    def test_autologging_of_scikit_learn_keeps_params_metrics_data_and_the_model(self):
        mlflow.sklearn.autolog(silent=True)
        with mlflow.start_run() as run:
            model = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, Y)
            model.score(X, Y)
        found = self.run_of(run)
        self.assertEqual(found.data.params["n_estimators"], "5")
        self.assertGreater(found.data.metrics["training_accuracy_score"], 0.9)
        self.assertIn("RandomForestClassifier_score_", " ".join(found.data.metrics))
        self.assertIn("train", {one.tags[0].value for one in found.inputs.dataset_inputs})
        self.assertIn("training_confusion_matrix.png", self.files(run))
        np.testing.assert_array_equal(self.load_of(run).predict(X), model.predict(X))

    def test_a_search_of_parameters_is_a_parent_with_a_run_for_each_trial(self):
        mlflow.sklearn.autolog(silent=True, log_models=False)
        with mlflow.start_run() as run:
            GridSearchCV(RandomForestClassifier(random_state=0), {"n_estimators": [2, 3, 4]}, cv=2).fit(X, Y)
        query = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
        trials = mlflow.search_runs([self.experiment.experiment_id], query, order_by=["metrics.mean_test_score DESC"])
        self.assertEqual(len(trials), 3)
        self.assertEqual(sorted(trials["params.n_estimators"]), ["2", "3", "4"])
        self.assertIn("best_n_estimators", self.run_of(run).data.params)

    @unittest.skipUnless(has("xgboost"), "there is no xgboost")
    def test_autologging_of_xgboost(self):
        import xgboost

        mlflow.xgboost.autolog(silent=True)
        data = xgboost.DMatrix(X, label=Y)
        with mlflow.start_run() as run:
            booster = xgboost.train(
                {"objective": "multi:softprob", "num_class": 3, "eta": 0.3}, data, 5, evals=[(data, "train")], verbose_eval=False
            )
        self.assertEqual(self.run_of(run).data.params["eta"], "0.3")
        self.assertEqual(len(self.client.get_metric_history(run.info.run_id, "train-mlogloss")), 5)
        self.assertIn("feature_importance_weight.json", self.files(run))
        np.testing.assert_allclose(self.load_of(run).predict(X), booster.predict(data), rtol=1e-5)

    @unittest.skipUnless(has("lightgbm"), "there is no lightgbm")
    def test_autologging_of_lightgbm(self):
        import lightgbm

        mlflow.lightgbm.autolog(silent=True)
        data = lightgbm.Dataset(X, label=Y)
        with mlflow.start_run() as run:
            booster = lightgbm.train(
                {"objective": "multiclass", "num_class": 3, "verbose": -1}, data, 5, valid_sets=[data], valid_names=["train"]
            )
        self.assertEqual(self.run_of(run).data.params["num_class"], "3")
        self.assertEqual(len(self.client.get_metric_history(run.info.run_id, "train-multi_logloss")), 5)
        np.testing.assert_allclose(self.load_of(run).predict(X), booster.predict(X))

    @unittest.skipUnless(has("torch"), "there is no torch")
    def test_a_model_of_pytorch_is_logged_and_loaded(self):
        import torch

        model = torch.nn.Linear(4, 3)
        with mlflow.start_run() as run:
            for epoch in range(3):
                mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
            more = {"serialization_format": "pickle"} if IS_3 else {}
            info = log_model(mlflow.pytorch, model, pip_requirements=[], **more)
        given = X.to_numpy(dtype=np.float32)
        again = mlflow.pytorch.load_model(info.model_uri)
        np.testing.assert_allclose(again(torch.from_numpy(given)).detach(), model(torch.from_numpy(given)).detach())
        self.assertEqual(len(self.client.get_metric_history(run.info.run_id, "loss")), 3)

    @unittest.skipUnless(has("torch", "pytorch_lightning"), "there is no PyTorch Lightning")
    def test_autologging_of_pytorch_lightning(self):
        import pytorch_lightning as pl
        import torch

        class Net(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(4, 3)

            def forward(self, x):
                return self.layer(x)

            def training_step(self, batch, _):
                loss = torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
                self.log("train_loss", loss, on_epoch=True)
                return loss

            def configure_optimizers(self):
                return torch.optim.Adam(self.parameters(), lr=0.02)

        mlflow.pytorch.autolog(silent=True)
        rows = torch.utils.data.TensorDataset(
            torch.tensor(X.to_numpy(dtype=np.float32)), torch.tensor(Y.to_numpy(dtype=np.int64))
        )
        folder = tempfile.mkdtemp()
        with mlflow.start_run() as run:
            trainer = pl.Trainer(
                max_epochs=3, default_root_dir=folder, enable_progress_bar=False, enable_model_summary=True, logger=False
            )
            trainer.fit(Net(), torch.utils.data.DataLoader(rows, batch_size=50))
        found = self.run_of(run)
        self.assertEqual(found.data.params["optimizer_name"], "Adam")
        self.assertEqual(found.data.params["lr"], "0.02")
        self.assertGreaterEqual(len(self.client.get_metric_history(run.info.run_id, "train_loss")), 3)
        self.assertIn("model_summary.txt", self.files(run))

    def test_evaluating_a_model_logs_its_metrics_and_pictures(self):
        model = RandomForestRegressor(n_estimators=5, random_state=0).fit(X, Y)
        with mlflow.start_run() as run:
            info = log_model(mlflow.sklearn, model, pip_requirements=[])
            result = mlflow.models.evaluate(
                info.model_uri, X.assign(target=Y), targets="target", model_type="regressor", evaluator_config={"log_model_explainability": False}
            )
        self.assertAlmostEqual(self.run_of(run).data.metrics["r2_score"], result.metrics["r2_score"])
        self.assertGreater(result.metrics["r2_score"], 0.9)

    def test_evaluating_a_classifier(self):
        model = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, Y)
        with mlflow.start_run() as run:
            info = log_model(mlflow.sklearn, model, pip_requirements=[])
            result = mlflow.evaluate(
                info.model_uri, X.assign(target=Y), targets="target", model_type="classifier", evaluator_config={"log_model_explainability": False}
            )
        self.assertGreater(self.run_of(run).data.metrics["accuracy_score"], 0.9)
        self.assertIn("confusion_matrix", result.artifacts)
        self.assertIn("confusion_matrix.png", self.files(run))

    def test_evaluating_a_table_of_predictions(self):
        table = pd.DataFrame({"prediction": [1.0, 2.0, 3.0], "target": [1.0, 2.0, 4.0]})
        with mlflow.start_run() as run:
            mlflow.models.evaluate(data=table, targets="target", predictions="prediction", model_type="regressor")
        self.assertAlmostEqual(self.run_of(run).data.metrics["mean_absolute_error"], 1 / 3)

    def test_figures_images_and_tables(self):
        figure, axes = matplotlib.pyplot.subplots()
        axes.plot([1, 2, 3])
        with mlflow.start_run() as run:
            mlflow.log_figure(figure, "plots/line.png")
            mlflow.log_image(np.zeros((8, 8, 3), dtype=np.uint8), "black.png")
            for step in range(3):
                mlflow.log_image(np.full((8, 8), step * 10, dtype=np.uint8), key="gray", step=step)
            mlflow.log_table({"question": ["a"], "answer": ["b"]}, "answers.json")
            mlflow.log_table({"question": ["c"], "answer": ["d"]}, "answers.json")
        self.assertEqual(self.files(run, "plots"), {"plots/line.png"})
        self.assertIn("black.png", self.files(run))
        # A picture and its thumbnail each.
        self.assertEqual(len(self.files(run, "images")), 6)
        table = mlflow.load_table("answers.json", run_ids=[run.info.run_id])
        self.assertEqual(list(table["answer"]), ["b", "d"])

    def test_system_metrics_of_the_client(self):
        mlflow.enable_system_metrics_logging()
        mlflow.set_system_metrics_sampling_interval(0.2)
        try:
            with mlflow.start_run() as run:
                time.sleep(1.5)
        finally:
            mlflow.disable_system_metrics_logging()
        found = self.run_of(run).data.metrics
        self.assertIn("system/cpu_utilization_percentage", found)
        self.assertIn("system/system_memory_usage_megabytes", found)
        self.assertGreater(len(self.client.get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")), 2)

    def test_data_sets_of_all_kinds_come_back(self):
        path = os.path.join(tempfile.mkdtemp(), "iris.csv")
        X.to_csv(path)
        with mlflow.start_run() as run:
            mlflow.log_input(mlflow.data.from_pandas(X, source=path, name="frame"), context="training")
            mlflow.log_input(mlflow.data.from_numpy(X.to_numpy(), name="array"), context="testing", tags={"fold": "1"})
        inputs = {one.dataset.name: one for one in self.run_of(run).inputs.dataset_inputs}
        self.assertEqual(set(inputs), {"frame", "array"})
        source = mlflow.data.get_source(inputs["frame"].dataset)
        self.assertEqual(len(pd.read_csv(source.load())), len(X))
        self.assertEqual({tag.key: tag.value for tag in inputs["array"].tags}, {"mlflow.data.context": "testing", "fold": "1"})

    def test_a_model_with_signature_and_example_is_registered_and_served_by_alias(self):
        model = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, Y)
        name = f"iris {mlflow.__version__} {time.time()}"
        with mlflow.start_run():
            info = log_model(
                mlflow.sklearn,
                model,
                signature=mlflow.models.infer_signature(X, model.predict(X)),
                input_example=X.head(2),
                registered_model_name=name,
            )
        self.client.set_registered_model_alias(name, "champion", 1)
        loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        self.assertEqual(loaded.metadata.signature, info.signature)
        self.assertEqual(len(loaded.input_example if IS_3 else loaded.metadata.load_input_example()), 2)
        self.assertTrue(mlflow.pyfunc.get_model_dependencies(f"models:/{name}@champion"))


if __name__ == "__main__":
    unittest.main()
