"""What users do with mlflow.genai of an unmodified client, without a language model, against the server at MLFLOW_TRACKING_URI."""

import time
import unittest

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Feedback
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
from mlflow.exceptions import MlflowException
from mlflow.genai import datasets
from mlflow.genai.scorers import Guidelines, get_scorer, list_scorers, scorer
from mlflow.tracking._tracking_service.utils import _get_store

DATA = [
    {"inputs": {"q": "a"}, "expectations": {"right": "A"}},
    {"inputs": {"q": "b"}, "expectations": {"right": "X"}},
]


@scorer
def exact(outputs, expectations):
    return outputs == expectations["right"]


@scorer
def length(outputs):
    return Feedback(value=len(outputs), rationale="counted")


class GenAi(unittest.TestCase):
    def setUp(self):
        self.client = MlflowClient()
        self.experiment = mlflow.set_experiment(f"{self.id()} {mlflow.__version__}").experiment_id

    def test_evaluation_data_sets_keep_records_by_their_inputs(self):
        made = datasets.create_dataset(name="golden", experiment_id=[self.experiment], tags={"team": "x"})
        large = 2**60 + 1
        made.merge_records([{"inputs": {"q": "a", "n": large}, "expectations": {"r": 1.0}}, {"inputs": {"q": "b"}}])
        made.merge_records([{"inputs": {"q": "b"}, "outputs": "text", "expectations": {"r": 2, "\0": "\0"}}])
        found = datasets.get_dataset(dataset_id=made.dataset_id)
        rows = found.to_df().to_dict("records")
        self.assertEqual([row["inputs"] for row in rows], [{"q": "a", "n": large}, {"q": "b"}])
        self.assertEqual((rows[1]["outputs"], rows[1]["expectations"]["r"]), ("text", 2))
        self.assertEqual(rows[0]["source_type"], "HUMAN")
        self.assertEqual((found.experiment_ids, found.tags["team"]), ([self.experiment], "x"))
        self.assertIn('"r": "float"', found.schema)
        self.assertNotEqual(found.digest, made.digest)
        search = lambda text: [one.dataset_id for one in datasets.search_datasets([self.experiment], filter_string=text)]
        self.assertEqual(search("name LIKE 'gold%' AND tags.team = 'x'"), [made.dataset_id])
        self.assertEqual(search("tags.team = 'y'"), [])
        datasets.set_dataset_tags(dataset_id=made.dataset_id, tags={"team": "y", "more": "1"})
        datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="more")
        self.assertEqual(search("tags.team = 'y'"), [made.dataset_id])
        other = mlflow.create_experiment(f"other {time.time_ns()}")
        joined = datasets.add_dataset_to_experiments(dataset_id=made.dataset_id, experiment_ids=[other])
        self.assertEqual(joined.experiment_ids, [self.experiment, other])
        left = datasets.remove_dataset_from_experiments(dataset_id=made.dataset_id, experiment_ids=[other])
        self.assertEqual(left.experiment_ids, [self.experiment])
        self.assertEqual(found.delete_records([rows[0]["dataset_record_id"], "dr-none"]), 1)
        self.assertEqual(len(datasets.get_dataset(dataset_id=made.dataset_id).to_df()), 1)
        datasets.delete_dataset(dataset_id=made.dataset_id)
        with self.assertRaises(MlflowException) as caught:
            datasets.get_dataset(dataset_id=made.dataset_id)
        self.assertEqual(caught.exception.error_code, "RESOURCE_DOES_NOT_EXIST")

    def test_a_data_set_of_many_records_is_read_page_by_page(self):
        made = datasets.create_dataset(name="many", experiment_id=[self.experiment])
        made.merge_records([{"inputs": {"i": i}} for i in range(2_500)])
        rows = datasets.get_dataset(dataset_id=made.dataset_id).to_df()
        self.assertEqual([row["i"] for row in rows["inputs"]], list(range(2_500)))

    def test_prompts_are_registered_loaded_and_linked_to_traces(self):
        name = f"greeting-{time.time_ns()}"
        mlflow.genai.register_prompt(name=name, template="Hi {{name}}")
        mlflow.genai.register_prompt(name=name, template=[{"role": "user", "content": "Hello {{name}}"}])
        mlflow.genai.set_prompt_alias(name, alias="production", version=2)
        self.assertEqual(mlflow.genai.load_prompt(f"prompts:/{name}@production").template[0]["content"], "Hello {{name}}")
        self.assertEqual([one.name for one in mlflow.genai.search_prompts(filter_string=f"name = '{name}'")], [name])
        with mlflow.start_span("greet"):
            self.assertEqual(mlflow.genai.load_prompt(name, version=1).format(name="you"), "Hi you")
        mlflow.flush_trace_async_logging()
        search = lambda text: self.client.search_traces(experiment_ids=[self.experiment], filter_string=text)
        self.assertEqual(len(search(f"prompt = '{name}/1'")), 1)
        self.assertEqual(len(search(f"prompt = '{name}/2'")), 0)
        self.client.delete_prompt_alias(name, "production")
        self.client.delete_prompt_version(name, "2")

    def test_an_evaluation_scores_each_record_and_metrics_tell_of_its_traces(self):
        made = datasets.create_dataset(name="exam", experiment_id=[self.experiment])
        made.merge_records([dict(one) for one in DATA])
        result = mlflow.genai.evaluate(data=made, predict_fn=lambda q: q.upper(), scorers=[exact, length])
        self.assertEqual((result.metrics["exact/mean"], result.metrics["length/mean"]), (0.5, 1.0))
        run = self.client.get_run(result.run_id)
        self.assertEqual(run.data.metrics["exact/mean"], 0.5)
        self.assertEqual(run.inputs.dataset_inputs[0].dataset.name, "exam")
        traces = self.client.search_traces(experiment_ids=[self.experiment], filter_string="feedback.exact = 'true'")
        self.assertEqual(len(traces), 1)
        count, mean = MetricAggregation(AggregationType.COUNT), MetricAggregation(AggregationType.AVG)
        ask = lambda view, name, how, **more: {
            tuple(point.dimensions.values()): point.values
            for point in _get_store().query_trace_metrics([self.experiment], view, name, [how], **more)
        }
        values = ask(MetricViewType.ASSESSMENTS, "assessment_value", mean, dimensions=["assessment_name"])
        self.assertEqual((values[("exact",)], values[("length",)]), ({"AVG": 0.5}, {"AVG": 1.0}))
        traces = ask(MetricViewType.TRACES, "trace_count", count, dimensions=["trace_status"])
        self.assertEqual(list(traces), [("OK",)])
        hours = {"time_interval_seconds": 3_600, "start_time_ms": 0, "end_time_ms": 2**42}
        self.assertEqual(len(ask(MetricViewType.SPANS, "span_count", count, **hours)), 1)
        with self.assertRaises(MlflowException) as caught:
            ask(MetricViewType.TRACES, "latency", count)
        self.assertEqual(caught.exception.error_code, "INVALID_PARAMETER_VALUE")
        both = _get_store().calculate_trace_filter_correlation(
            [self.experiment], "feedback.exact = 'true'", "feedback.length = '1'"
        )
        self.assertEqual((both.filter1_count, both.joint_count), (1, 1))

    def test_scorers_are_registered_in_versions(self):
        for _ in range(2):
            Guidelines(name="exactly", guidelines="Say what was asked for").register(experiment_id=self.experiment)
        self.assertEqual([one.name for one in list_scorers(experiment_id=self.experiment)], ["exactly"])
        self.assertEqual(get_scorer(name="exactly", experiment_id=self.experiment).name, "exactly")
        with self.assertRaises(MlflowException) as caught:
            exact.register(name="code", experiment_id=self.experiment)
        self.assertEqual(caught.exception.error_code, "INVALID_PARAMETER_VALUE")
        store = _get_store()
        self.assertEqual(len(store.list_scorer_versions(self.experiment, "exactly")), 2)
        store.delete_scorer(self.experiment, "exactly", 2)
        self.assertEqual(store.register_scorer(self.experiment, "exactly", '{"a": 1}').scorer_version, 3)
        store.delete_scorer(self.experiment, "exactly")
        self.assertEqual(list_scorers(experiment_id=self.experiment), [])


if __name__ == "__main__":
    unittest.main()
