"""Fixtures of the contract with OpenAI's clients."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from contract_gateway import ContractGateway, opened


@pytest.fixture(scope="session")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractGateway]:
    with opened(tmp_path_factory.mktemp("contract")) as gateway:
        yield gateway


@pytest.fixture
def client(contract: ContractGateway) -> openai.OpenAI:
    return contract.client()
