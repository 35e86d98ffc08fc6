"""The table of recent predictions.

Going back changes the revision and leaves the table, as with 0002.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless it is there from before a rollback."""
    op.create_table(
        "recent_predictions",
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("classified", sa.Boolean(), nullable=False),
        sa.Column("judged", sa.Boolean(), nullable=False),
        sa.Column("worker", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", "row_index"),
        if_not_exists=True,
    )
    op.create_index(
        "ix_recent_predictions_worker_number",
        "recent_predictions",
        ["worker", "number"],
        unique=False,
        if_not_exists=True,
    )


def downgrade() -> None:
    """Leave the table where it is."""
