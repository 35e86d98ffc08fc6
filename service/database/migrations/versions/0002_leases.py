"""The table of leases.

The first release starts on revision 0001 alone. Going back to it changes the revision and leaves the table: that
release does not look at it, and replicas of this one that still run go on using it.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless it is there from before a rollback."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("holder", sa.String(length=256), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        if_not_exists=True,
    )
    op.create_index(op.f("ix_leases_expires_at"), "leases", ["expires_at"], unique=False, if_not_exists=True)


def downgrade() -> None:
    """Leave the table where it is."""
