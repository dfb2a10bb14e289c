# Closes a built release: what is in it becomes root's, with the group of the account that runs it, and is read-only.
# Each folder is closed before it is looked into. From then on nobody but root puts anything there, so what a process of
# the build that lives meanwhile does cannot lead to a file elsewhere, and nothing is left that is not root's.
# Arguments: the folder, who built (empty: whoever this is, and nothing changes hands), the group it is given to.
use strict;
use warnings;
no warnings 'recursion';    # as deep as the build has made it
use POSIX ();

my ($folder, $builder, $group) = @ARGV;
my ($LINK, $DIRECTORY) = (0120000, 0040000);

seal($folder, $folder);

sub seal {
    my ($name, $path) = @_;
    my ($mode, $owner, $owners_group) = (lstat $name)[2, 4, 5];
    defined $mode or fail($path);
    my $kind = $mode & 0170000;
    if ($builder ne '') {
        my $is_sealed = $owner == 0 && $owners_group == $group && $owner != $builder;
        $is_sealed || $owner == $builder
            or die "$path belongs to account $owner, not to this build: it is a link to somebody else's file.\n";
        POSIX::lchown(0, $group, $name) or fail($path);
    }
    return if $kind == $LINK;
    chmod($kind == $DIRECTORY || $mode & 0111 ? 0750 : 0640, $name) or fail($path);
    return if $kind != $DIRECTORY;
    chdir $name or fail($path);
    opendir(my $opened, '.') or fail($path);
    my @names = grep { $_ ne '.' && $_ ne '..' } readdir $opened;
    closedir $opened;
    seal("./$_", "$path/$_") for @names;
    chdir '..' or fail($path);
    return;
}

sub fail {
    my ($path) = @_;
    die "$path: $!\n";
}
