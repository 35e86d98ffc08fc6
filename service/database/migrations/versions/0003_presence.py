"""The table of workers that are there.

Going back changes the revision and leaves the table, as with 0002.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless it is there from before a rollback."""
    op.create_table(
        "presence",
        sa.Column("replica", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("replica", "pid"),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Leave the table where it is."""
