"""Links in NetBox's search, and what people may be allowed to do with them."""

from django.urls import reverse
from netbox.search.backends import search_backend
from users.models import User

from .base import TestCase, fabric, link


class SearchTest(TestCase):
    """The search of all objects."""

    def test_finds_links(self) -> None:
        """By their repository, for those who may see them."""
        made = link(repository_url="https://git.example.com/peculiar.git")
        search_backend.cache(made)
        self.assertEqual(search_backend.search("peculiar", user=self.user), [])
        self.allow("view")
        again = User.objects.get(pk=self.user.pk)  # who remembers no permissions
        (found,) = search_backend.search("peculiar", user=again)
        self.assertEqual(found.object, made)

    def test_finds_links_by_their_fabric(self) -> None:
        """It has the name by which people know it."""
        made = link(fabric(name="north-hall"))
        search_backend.cache(made)
        self.allow("view")
        (found,) = search_backend.search("north-hall", user=self.user)
        self.assertEqual(found.object, made)


class PermissionFormTest(TestCase):
    """NetBox's form for permissions."""

    def test_offers_our_actions(self) -> None:
        """The actions of links can be chosen there."""
        self.user.is_superuser = True
        self.user.save()
        page = self.client.get(reverse("users:objectpermission_add"))
        for action in ("sync", "resolve", "release"):
            self.assertContains(page, f'name="action_{action}"')
