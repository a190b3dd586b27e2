"""The tables: columns, keys and constraints; no behaviour. Importing this knows all of them."""

from repo_server.tables.bookings import (
    BookingRow,
    BookingRulesRow,
    CalendarRow,
    CalendarTokenRow,
)
from repo_server.tables.builds import BuildReportRow
from repo_server.tables.cities import (
    CityStatisticRow,
    CoalitionCityRow,
    CoalitionPartRow,
    CoalitionRow,
)
from repo_server.tables.contributions import ContributionRow
from repo_server.tables.designs import (
    BlobRow,
    ComponentRow,
    DesignRow,
    DraftEditorRow,
    DraftRow,
    FileFactsRow,
    ParentRow,
    ProposalRow,
    ReleaseFileRow,
    ReleaseRow,
    RenderingRow,
    UploadRow,
    YankRow,
)
from repo_server.tables.guests import GuestDeskRow, GuestRequestRow
from repo_server.tables.jobs import (
    AgentEventRow,
    AttemptRow,
    BedClearRow,
    BuildOrderRow,
    ControlRow,
    JobChangeRow,
    JobRow,
    MachineUseRow,
    OrderSetRow,
    PermitRow,
    SignedMessageOfRow,
    SignedMessageRow,
    ToolpathRow,
)
from repo_server.tables.journal import PostRow
from repo_server.tables.labs import (
    AgentRow,
    CityRow,
    EnrolmentCodeRow,
    LabRow,
    MachineProfileRow,
    MachineRow,
    NonceRow,
)
from repo_server.tables.ledger import (
    ActivityRow,
    DesignOriginRow,
    EconomicEventRow,
    EventBatchRow,
    IdempotencyRow,
    MadeRow,
    PartyRow,
)
from repo_server.tables.licences import GrantRow, MailingRow, StatementRow, WaitingOrderRow
from repo_server.tables.lots import LotEventRow, MaterialLotRow
from repo_server.tables.money import AccountEntryRow, AgreementRow, PriceListRow, QuotaRow
from repo_server.tables.news import LetterRow, NewsChoiceRow, NewsRow
from repo_server.tables.notices import DismissalRow
from repo_server.tables.own_programs import OwnProgramRow, ProgramRightRow
from repo_server.tables.people import (
    ApiTokenRow,
    CityRoleRow,
    LabRoleRow,
    PersonRow,
    SessionRow,
)
from repo_server.tables.repairs import RepairRow
from repo_server.tables.search import (
    SearchCardRow,
    SearchEntryRow,
    SearchSlipRow,
    SearchWordRow,
)
from repo_server.tables.shape_changes import ShapeChangeRow
from repo_server.tables.trainings import (
    TrainerRow,
    TrainingClassRow,
    TrainingRevocationRow,
    TrainingRow,
)
from repo_server.tables.upkeep import CounterRow, DowntimeRow, MaintenanceDoneRow, MaintenanceRow
from repo_server.tables.webhooks import DeliveryRow, WebhookRow

__all__ = [
    "AccountEntryRow",
    "ActivityRow",
    "AgentEventRow",
    "AgentRow",
    "AgreementRow",
    "ApiTokenRow",
    "AttemptRow",
    "BedClearRow",
    "BlobRow",
    "BookingRow",
    "BookingRulesRow",
    "BuildOrderRow",
    "BuildReportRow",
    "CalendarRow",
    "CalendarTokenRow",
    "CityRoleRow",
    "CityRow",
    "CityStatisticRow",
    "CoalitionCityRow",
    "CoalitionPartRow",
    "CoalitionRow",
    "ComponentRow",
    "ContributionRow",
    "ControlRow",
    "CounterRow",
    "DeliveryRow",
    "DesignOriginRow",
    "DesignRow",
    "DismissalRow",
    "DowntimeRow",
    "DraftEditorRow",
    "DraftRow",
    "EconomicEventRow",
    "EnrolmentCodeRow",
    "EventBatchRow",
    "FileFactsRow",
    "GrantRow",
    "GuestDeskRow",
    "GuestRequestRow",
    "IdempotencyRow",
    "JobChangeRow",
    "JobRow",
    "LabRoleRow",
    "LabRow",
    "LetterRow",
    "LotEventRow",
    "MachineProfileRow",
    "MachineRow",
    "MachineUseRow",
    "MadeRow",
    "MailingRow",
    "MaintenanceDoneRow",
    "MaintenanceRow",
    "MaterialLotRow",
    "NewsChoiceRow",
    "NewsRow",
    "NonceRow",
    "OrderSetRow",
    "OwnProgramRow",
    "ParentRow",
    "PartyRow",
    "PermitRow",
    "PersonRow",
    "PostRow",
    "PriceListRow",
    "ProgramRightRow",
    "ProposalRow",
    "QuotaRow",
    "ReleaseFileRow",
    "ReleaseRow",
    "RenderingRow",
    "RepairRow",
    "SearchCardRow",
    "SearchEntryRow",
    "SearchSlipRow",
    "SearchWordRow",
    "SessionRow",
    "ShapeChangeRow",
    "SignedMessageOfRow",
    "SignedMessageRow",
    "StatementRow",
    "ToolpathRow",
    "TrainerRow",
    "TrainingClassRow",
    "TrainingRevocationRow",
    "TrainingRow",
    "UploadRow",
    "WaitingOrderRow",
    "WebhookRow",
    "YankRow",
]
