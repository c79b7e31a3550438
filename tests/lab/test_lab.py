"""A lab starts and stops, shows a summary, and kills and restarts processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.service import RPCError

from loyalty.lab import Lab, LabError, settled
from loyalty.lab.errors import WaitedTooLong
from loyalty.lab.server.address import BASE_URL, PUBLIC_PATH
from loyalty.lab.server.embedded import is_reachable
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.lab_accounts import open_account

pytestmark = pytest.mark.slow


async def test_customer_in_a_lab_receives_a_welcome_email(lab: Lab) -> None:
    ada = await open_account(lab, "mailed")
    await lab.inbox.wait_for(1, to="mailed@example.com")
    await settled(ada)
    mails = lab.inbox.frame()
    mine = mails[mails.to == "mailed@example.com"]
    assert list(mine.subject) == ["Welcome to the loyalty program"]
    assert list(mine.workflow_id) == [ada.id]
    assert list(mine.delivery) == [1]


async def test_lab_summary_shows_the_server_and_the_namespace_and_the_worker(lab: Lab) -> None:
    for shown in (repr(lab), lab._repr_html_()):
        for part in (lab.where.address, lab.namespace, str(lab.worker.pid), "Temporal Web UI"):
            assert part in shown


async def test_each_lab_creates_a_new_namespace_on_the_server_of_the_session(server_of_the_session: Lab) -> None:
    async with await Lab.start("05 Measure!", worker=False) as second:
        assert second.where.address == server_of_the_session.where.address
        assert second.namespace.startswith("05-measure-")
        await open_account(second, "ada")
        with pytest.raises(LabError, match="This lab uses a server that it did not start"):
            assert second.server
        assert "shared by this JupyterLab session" in repr(second)
    assert await is_reachable(server_of_the_session.where.address), "A lab must not stop a server that it did not start"


async def test_customer_keeps_points_if_the_worker_is_killed(lab: Lab) -> None:
    ada = await open_account(lab, "survivor")
    await ada.signal(CustomerLoyaltyWorkflow.add_points, 600)
    await settled(ada)
    killed = lab.worker.pid
    lab.worker.kill()
    assert lab.worker.pid is None
    with pytest.raises(LabError, match=r"`lab.worker.start\(\)` starts one"):
        lab.worker.kill()
    await ada.signal(CustomerLoyaltyWorkflow.add_points, 1)
    lab.worker.start()
    assert lab.worker.pid not in (None, killed)
    assert (await ada.query(CustomerLoyaltyWorkflow.get_status)).points == 601
    assert "Serving task queue customer-loyalty" in lab.worker.log()


async def test_email_arrives_after_the_mail_server_starts_again(lab: Lab) -> None:
    lab.inbox.stop()
    grace = await open_account(lab, "patient")
    await grace.query(CustomerLoyaltyWorkflow.get_status)
    with pytest.raises(LabError, match=r"the inbox is stopped; `lab.inbox.start\(\)` opens it"):
        await lab.inbox.wait_for(1, to="patient@example.com", timeout=0.2)
    lab.inbox.start()
    await lab.inbox.wait_for(1, to="patient@example.com")


async def test_waiting_for_emails_raises_an_error_at_the_deadline(lab: Lab) -> None:
    with pytest.raises(WaitedTooLong, match=r"until 7 e-mails for nobody@example.com arrive; 0 e-mails have arrived"):
        await lab.inbox.wait_for(7, to="nobody@example.com", timeout=0.1)


async def test_the_link_contains_the_web_ui_port_if_there_is_no_jupyterlab(lab: Lab) -> None:
    base = f"http://127.0.0.1:{lab.where.ui_port}/namespaces/{lab.namespace}/workflows"
    assert lab.web_ui().url == base
    assert lab.web_ui("customer-a/b c").url == f"{base}/customer-a%2Fb%20c"


async def test_inside_jupyterlab_the_link_uses_the_proxy(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_URL, "/user/ada/")
    url = lab.web_ui("customer-ada").url
    assert url == f"/user/ada/proxy/{lab.where.ui_port}{PUBLIC_PATH}/namespaces/{lab.namespace}/workflows/customer-ada"
    assert f'href="{url}"' in lab.web_ui("customer-ada")._repr_html_()


async def test_lab_connects_to_the_cluster_in_the_environment_variables(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", lab.where.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", lab.namespace)
    async with await Lab.start(worker=False) as attached:
        assert attached.namespace == lab.namespace, "The lab must use the configured namespace"
        assert attached._own_server is None
        assert "configured by the environment" in repr(attached)
        with pytest.raises(LabError, match="Cannot link to the Web UI of the cluster"):
            attached.web_ui()
    assert await is_reachable(lab.where.address)


async def test_a_lab_error_is_raised_if_the_lab_was_stopped(server_of_the_session: Lab) -> None:
    lab = await Lab.start("short", worker=False)
    await lab.stop()
    await lab.stop()
    with pytest.raises(LabError, match=r"This lab was stopped; `lab = await Lab.start\(\)` starts another"):
        assert lab.client
    assert repr(lab) == "Lab, stopped"
    assert not lab.folder.exists()


async def test_customer_keeps_points_if_a_server_with_a_database_file_is_killed(tmp_path: Path) -> None:
    async with await Lab.start("kept", database=tmp_path / "temporal.db") as lab:
        ada = await open_account(lab, "ada")
        await ada.signal(CustomerLoyaltyWorkflow.add_points, 700)
        await settled(ada)
        lab.server.kill()
        assert not await is_reachable(lab.where.address)
        await lab.server.start()
        assert (await ada.query(CustomerLoyaltyWorkflow.get_status)).points == 700


async def test_the_limits_of_the_lab_are_passed_to_its_server() -> None:
    async with await Lab.start("tight", limits={"history.maximumSignalsPerExecution": 3}, worker=False) as lab:
        ada = await open_account(lab, "ada")
        for _ in range(3):
            await ada.signal(CustomerLoyaltyWorkflow.add_points, 1)
        with pytest.raises(RPCError, match="exceeded workflow execution limit for signal events"):
            await ada.signal(CustomerLoyaltyWorkflow.add_points, 1)
