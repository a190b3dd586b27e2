"""The tables: columns, keys and constraints; no behaviour. Importing this knows all of them."""

from repo_server.tables.designs import (
    BlobRow,
    DesignRow,
    DraftEditorRow,
    DraftRow,
    FileFactsRow,
    ReleaseFileRow,
    ReleaseRow,
    YankRow,
)
from repo_server.tables.jobs import (
    AgentEventRow,
    AttemptRow,
    BedClearRow,
    BuildOrderRow,
    ControlRow,
    JobRow,
    PermitRow,
    ToolpathRow,
)
from repo_server.tables.labs import (
    AgentRow,
    CityRow,
    EnrolmentCodeRow,
    LabRow,
    MachineProfileRow,
    MachineRow,
    MaterialLotRow,
    NonceRow,
)
from repo_server.tables.ledger import EconomicEventRow, IdempotencyRow
from repo_server.tables.licences import GrantRow, StatementRow, WaitingOrderRow
from repo_server.tables.people import (
    ApiTokenRow,
    CityRoleRow,
    LabRoleRow,
    PersonRow,
    SessionRow,
)

__all__ = [
    "AgentEventRow",
    "AgentRow",
    "ApiTokenRow",
    "AttemptRow",
    "BedClearRow",
    "BlobRow",
    "BuildOrderRow",
    "CityRoleRow",
    "CityRow",
    "ControlRow",
    "DesignRow",
    "DraftEditorRow",
    "DraftRow",
    "EconomicEventRow",
    "EnrolmentCodeRow",
    "FileFactsRow",
    "GrantRow",
    "IdempotencyRow",
    "JobRow",
    "LabRoleRow",
    "LabRow",
    "MachineProfileRow",
    "MachineRow",
    "MaterialLotRow",
    "NonceRow",
    "PermitRow",
    "PersonRow",
    "ReleaseFileRow",
    "ReleaseRow",
    "SessionRow",
    "StatementRow",
    "ToolpathRow",
    "WaitingOrderRow",
    "YankRow",
]
