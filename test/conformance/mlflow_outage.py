"""A script that logs while the server's database goes away and comes back, with an unmodified MLflow client and its own retries."""

import os
import time
import unittest

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

# The database goes when this has begun, and has long come back when it ends.
LOGS_FOR_SECONDS = float(os.environ["OUTAGE_SECONDS"]) + 4


class Outage(unittest.TestCase):
    def test_nothing_that_is_logged_is_lost_and_no_error_reaches_the_script(self):
        client = MlflowClient()
        experiment = mlflow.create_experiment(f"outage {time.time_ns()}")
        run = client.create_run(experiment).info.run_id
        print("logging", flush=True)
        until = time.monotonic() + LOGS_FOR_SECONDS
        steps = 0
        while time.monotonic() < until:
            client.log_metric(run, "one", steps, step=steps)
            batch = [Metric("many", value, 1, 10 * steps + value) for value in range(10)]
            client.log_batch(run, metrics=batch, params=[Param(f"p{steps}", str(steps))])
            child = client.create_run(experiment, tags={"step": str(steps)}).info.run_id
            client.set_tag(child, "logged", "yes")
            client.log_text(child, f"text {steps}", "note.txt")
            client.set_terminated(child)
            steps += 1
            time.sleep(0.05)
        self.assertEqual([point.step for point in client.get_metric_history(run, "one")], list(range(steps)))
        self.assertEqual(len(client.get_metric_history(run, "many")), 10 * steps)
        self.assertEqual(client.get_run(run).data.params, {f"p{step}": str(step) for step in range(steps)})
        children = client.search_runs([experiment], "tags.logged = 'yes' AND status = 'FINISHED'", max_results=50_000)
        self.assertEqual({child.data.tags["step"] for child in children}, {str(step) for step in range(steps)})
        self.assertEqual(len(children), steps)


if __name__ == "__main__":
    unittest.main()
