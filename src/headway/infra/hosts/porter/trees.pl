# The control groups of the server: where ours may be, which of them may be used, and those for what others start on a
# run's behalf. What is decided here is decided alike by infra/hosts/cgroups.py and guests.py on the panel's own machine.
package Headway::Trees;

use strict;

my @CONTROLLERS = qw(memory pids cpu);
my $DYING_SECONDS = 0.05;    # so long it may take what was killed at one stroke to end
my ( $V2_MEMORY, $V1_MEMORY ) = ( 'memory.max', 'memory.limit_in_bytes' );

# The hierarchies that are mounted: { folder, root, controllers, unified }.
sub mounts {
    my @found;
    for my $line ( split /\n/, Headway::Cgroups::slurp('/proc/self/mountinfo') ) {
        my ( $fields, $tail ) = split / - /, $line, 2;
        my ( $kind, undef, $options ) = split / /, $tail // '', 3;
        next if $kind ne 'cgroup' && $kind ne 'cgroup2';
        my ( undef, undef, undef, $root, $folder ) = split / /, $fields;
        $folder =~ s/\\040/ /g;
        my ($names) = $options =~ /(\S*)$/;
        my %controllers = $kind eq 'cgroup' ? map { $_ => 1 } split /,/, $names : ();
        push @found, { folder => $folder, root => $root, controllers => \%controllers, unified => $kind eq 'cgroup2' };
    }
    return @found;
}

# Our folders for the runs of a panel, by kind, as far as they can be made and used; '' for what there is not. `mount` is
# the root of the v2 hierarchy.
sub discover {
    my ($panel) = @_;
    my %trees  = map { $_ => '' } qw(mount unified), @CONTROLLERS;
    my @mounts = mounts();
    my %own    = own_groups();
    my ($mount) = grep { $_->{unified} } @mounts;
    if ($mount) {
        my $folder = usable( unified_base( $mount, $own{''} // '/' ) . "/headway/$panel" );
        @trees{qw(mount unified)} = ( $mount->{folder}, $folder );
        share( $mount->{folder}, $folder ) if $folder ne '';
    }
    for my $name ( grep { $trees{unified} eq '' || !has( $trees{unified}, $_ ) } @CONTROLLERS ) {
        for my $old ( grep { $_->{controllers}{$name} } @mounts ) {
            $trees{$name} = usable( place( $old, $own{$name} // '/' ) . "/headway/$panel" );
        }
    }
    return %trees;
}

sub own_groups {
    my %groups;
    for my $line ( split /\n/, Headway::Cgroups::slurp('/proc/self/cgroup') ) {
        my ( undef, $controllers, $path ) = split /:/, $line, 3;
        $groups{$_} = $path for $controllers eq '' ? ('') : split /,/, $controllers;
    }
    return %groups;
}

# The folder of a group that is named from the hierarchy's root.
sub place {
    my ( $mount, $group ) = @_;
    my $root = $mount->{root} eq '/' ? '' : $mount->{root};
    return $mount->{folder} if index( "$group/", "$root/" ) != 0 || $group =~ m{/\.\.(?:/|$)};
    my $below = substr $group, length $root;
    $below =~ s{/+$}{};
    return $mount->{folder} . $below;
}

# For root the top of the hierarchy: no session of ours, nor a unit that is stopped, then takes the runs with it.
sub unified_base {
    my ( $mount, $own ) = @_;
    return $> == 0 ? $mount->{folder} : place( $mount, $own );
}

# A folder that is made, and into which a process can be moved; else ''.
sub usable {
    my ($folder) = @_;
    make_all($folder) or return '';
    my $group = "$folder/probe.$$";
    my $pid   = fork // return '';
    if ( !$pid ) {
        select undef, undef, undef, 60;
        exit 0;
    }
    my $lets_in = mkdir($group) && Headway::Cgroups::put( "$group/cgroup.procs", $pid );
    kill KILL => $pid;
    waitpid $pid, 0;
    remove($group);
    return $lets_in ? $folder : '';
}

sub make_all {
    my ($folder) = @_;
    my $path = '';
    for my $part ( grep { $_ ne '' } split m{/}, $folder ) {
        $path .= "/$part";
        -d $path || mkdir $path or return 0;
    }
    return -w "$folder/cgroup.procs" ? 1 : 0;
}

# Hands the controllers down to a folder, as far as those above it have them and allow it.
sub share {
    my ( $top, $folder ) = @_;
    my $path = $top;
    my @chain = ($top);
    push @chain, $path .= "/$_" for grep { $_ ne '' } split m{/}, substr $folder, length $top;
    for my $group (@chain) {
        Headway::Cgroups::put( "$group/cgroup.subtree_control", "+$_" ) for grep { has( $group, $_ ) } @CONTROLLERS;
    }
    return;
}

sub has {
    my ( $group, $name ) = @_;
    return Headway::Cgroups::slurp("$group/cgroup.controllers") =~ /\b\Q$name\E\b/;
}

# Kills every process in the groups, and in those below them, until none is left; whether that was so in time.
sub end_all {
    my ( $seconds, @folders ) = @_;
    my $began = Headway::Kernel::now();
    while ( grep { strike( $_, $began ) } @folders ) {
        return 0 if Headway::Kernel::now() > $began + $seconds;
        select undef, undef, undef, 0.001;
    }
    return 1;
}

# One stroke at a group; whether something lived in it. The kernel's own stroke goes past a process whose first thread
# has left: what lives on is killed one by one.
sub strike {
    my ( $folder, $began ) = @_;
    return 0 if !-d $folder;
    my $at_once = -e "$folder/cgroup.kill" && Headway::Cgroups::put( "$folder/cgroup.kill", 1 );
    my $lives = $at_once && Headway::Cgroups::slurp("$folder/cgroup.events") =~ /^populated 1/m ? 1 : 0;
    return $lives if $at_once && ( !$lives || Headway::Kernel::now() < $began + $DYING_SECONDS );
    my @pids = map { split /\n/, Headway::Cgroups::slurp("$_/cgroup.procs") } walk($folder);
    for my $pid (@pids) {
        my $seen = Headway::Processes::look($pid) or next;
        Headway::Processes::signal( KILL => $pid, $seen->{start} );
    }
    return $lives || scalar @pids;
}

# Removes groups with all below them; tried again for a while, since dead processes leave a group late.
sub remove {
    my (@folders) = @_;
    my $deadline = Headway::Kernel::now() + 2;
    my @left = grep { -f "$_/cgroup.procs" } @folders;    # a folder of anything else must lose nothing
    while (@left) {
        for my $folder (@left) {
            rmdir for reverse walk($folder);
        }
        @left = grep { -d } @left;
        last if Headway::Kernel::now() > $deadline;
        select undef, undef, undef, 0.005 if @left;
    }
    return !@left;
}

# A group and all below it, each before those below it.
sub walk {
    my ($folder) = @_;
    opendir my $entries, $folder or return;
    my @below = grep { !/^\./ && -d "$folder/$_" } readdir $entries;
    closedir $entries;
    return ( $folder, map { walk("$folder/$_") } @below );
}

# A group at one path below the root of every hierarchy that bounds something; whether there is any.
sub make_guest {
    my ( $group, $memory, $processes ) = @_;
    my @mounts = grep { $_->{unified} || $_->{controllers}{memory} || $_->{controllers}{pids} } whole_mounts();
    for my $mount (@mounts) {
        my $folder = $mount->{folder} . $group;
        make_all($folder) or return 0;
        share( $mount->{folder}, $folder ) if $mount->{unified};
        my %bounds = ( $mount->{unified} ? $V2_MEMORY : $V1_MEMORY, $memory, 'pids.max', $processes );
        for my $file ( grep { $bounds{$_} ne '' && -e "$folder/$_" } keys %bounds ) {
            Headway::Cgroups::put( "$folder/$file", $bounds{$file} ) or return 0;
        }
    }
    return scalar @mounts;
}

# Ends such a group: whether memory ran out there, undef where its processes do not end.
sub end_guest {
    my ( $group, $seconds ) = @_;
    my @folders = grep { -d } map { $_->{folder} . $group } whole_mounts();
    my $ended   = end_all( $seconds, @folders );
    my $ran_out = grep { ran_out($_) } @folders;
    return if !$ended || !remove(@folders);
    for my $folder (@folders) {
        my ($above) = $folder =~ m{^(.*)/[^/]+$};
        my ($top)   = $above  =~ m{^(.*)/[^/]+$};
        rmdir for $above, $top;    # others may have theirs in it
    }
    return $ran_out ? 1 : 0;
}

sub whole_mounts {
    return grep { $_->{root} eq '/' } mounts();
}

sub ran_out {
    my ($folder) = @_;
    my $events = Headway::Cgroups::slurp("$folder/memory.events");
    return $events =~ /^oom_kill [1-9]/m if $events ne '';
    return Headway::Cgroups::slurp("$folder/memory.failcnt") =~ /^[1-9]/;
}

1;
