"""The DAGs that run_airflow.py has run: copied into Airflow's own DAG folder. BashOperator starts a process a task."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

SMALL = 100
CHAIN_STEPS = 20
TREE_LEAVES_LOG2 = 5


def dag(name):
    return DAG(name, schedule=None, start_date=datetime(2026, 1, 1), catchup=False, is_paused_upon_creation=False)


def bash(name, command="true"):
    return BashOperator(task_id=name, bash_command=command)


with dag("noop") as noop:
    for n in range(SMALL):
        bash(f"n{n}")

with dag("merge") as merge:
    [bash(f"n{n}") for n in range(SMALL)] >> bash("last")

with dag("tree") as tree:
    level = [bash(f"leaf{n}") for n in range(2**TREE_LEAVES_LOG2)]
    while len(level) > 1:
        above = [bash(f"level{len(level)}-{i}") for i in range(len(level) // 2)]
        for i, task in enumerate(above):
            level[2 * i : 2 * i + 2] >> task
        level = above

with dag("chain") as chain:
    before = None
    for n in range(CHAIN_STEPS):
        task = bash(f"step{n}")
        if before is not None:
            before >> task
        before = task

for ms in (1, 10, 100):
    with dag(f"sleep{ms}") as made:
        for n in range(SMALL):
            bash(f"n{n}", f"sleep {ms / 1000}")
    globals()[f"sleep{ms}"] = made

with dag("mapped") as mapped:
    BashOperator.partial(task_id="n").expand(bash_command=["true"] * SMALL)

with dag("one") as one:
    bash("n")
